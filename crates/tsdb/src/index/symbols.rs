//! Each distinct label name and value is held once and known by a number.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use crate::index::growth;

/// The number of a text.
pub(crate) type Symbol = u32;

/// Texts lie in pages, which never grow past their first allocation: adding one copies no other.
const PAGE_BYTES: usize = 64 << 10;

#[derive(Debug, Clone, Copy)]
struct Place {
    page: u32,
    start: u32,
    length: u32,
}

/// The texts.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    pages: Vec<String>,
    places: Vec<Place>,
    by_text: HashTable<Symbol>,
}

impl Symbols {
    /// The text of a symbol that this table gave.
    pub(crate) fn text(&self, symbol: Symbol) -> &str {
        let place = self.places[symbol as usize];
        &self.pages[place.page as usize][place.start as usize..][..place.length as usize]
    }

    /// The symbol of a text, if it has one.
    pub(crate) fn find(&self, text: &str) -> Option<Symbol> {
        self.by_text.find(xxh3_64(text.as_bytes()), |symbol| self.text(*symbol) == text).copied()
    }

    /// The symbol of a text, which gets one if it has none.
    pub(crate) fn intern(&mut self, text: &str) -> Symbol {
        if let Some(symbol) = self.find(text) {
            return symbol;
        }
        if self.pages.last().is_none_or(|page| page.len() + text.len() > page.capacity()) {
            self.pages.push(String::with_capacity(PAGE_BYTES.max(text.len())));
        }
        let index = self.pages.len() - 1;
        let page = &mut self.pages[index];
        let place = Place { page: index as u32, start: page.len() as u32, length: text.len() as u32 };
        page.push_str(text);
        let symbol = self.places.len() as Symbol;
        self.places.push(place);
        let Self { pages, places, by_text } = self;
        by_text.insert_unique(xxh3_64(text.as_bytes()), symbol, |symbol| {
            let place = places[*symbol as usize];
            xxh3_64(&pages[place.page as usize].as_bytes()[place.start as usize..][..place.length as usize])
        });
        symbol
    }

    /// How many texts there are.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.places.len()
    }

    /// Bytes that it needs at once before long.
    pub(crate) fn growth(&self) -> usize {
        growth::of_list(&self.places) + growth::of_table(&self.by_text)
    }

    /// Bytes of memory, about.
    pub(crate) fn bytes(&self) -> usize {
        self.pages.iter().map(String::capacity).sum::<usize>()
            + self.places.capacity() * size_of::<Place>()
            + self.by_text.capacity() * (size_of::<Symbol>() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_held_once() {
        let mut symbols = Symbols::default();
        let long = "x".repeat(3 * PAGE_BYTES);
        let texts: Vec<String> = (0..20_000).map(|at| format!("value-{at}")).chain([String::new(), long]).collect();
        let first: Vec<Symbol> = texts.iter().map(|text| symbols.intern(text)).collect();
        let second: Vec<Symbol> = texts.iter().map(|text| symbols.intern(text)).collect();
        assert_eq!(first, second);
        assert_eq!(symbols.len(), texts.len());
        assert!(texts.iter().zip(first).all(|(text, symbol)| symbols.text(symbol) == text));
        assert_eq!(symbols.find("other"), None);
    }
}
