//! Queries that are wrong: with types that do not fit, or with something missing or added.

use super::Generator;

impl Generator {
    pub(super) fn wrong(&mut self, depth: u64) -> String {
        match self.random.below(3) {
            0 => self.wrong_types(depth),
            1 => self.without_a_piece(depth),
            _ => self.with_a_piece(depth),
        }
    }

    fn wrong_types(&mut self, depth: u64) -> String {
        let (vector, scalar, range) = (self.vector(depth), self.scalar(depth), self.range(1));
        match self.random.below(14) {
            0 => format!("rate({vector})"),
            1 => format!("abs({scalar})"),
            2 => format!("sum({range})"),
            3 => format!("{range} + {scalar}"),
            4 => format!("-{range}"),
            5 => format!("topk(\"a\", {vector})"),
            6 => format!("{scalar} and ({vector})"),
            7 => format!("{scalar} == {scalar}"),
            8 => format!("no_such_function({vector})"),
            9 => "round(up, 1, 2)".to_owned(),
            10 => format!("vector({vector})"),
            11 => format!("({vector}) + on(job) group_left(job) ({vector})"),
            12 => format!("{scalar} + on(job) ({vector})"),
            _ => format!("({vector}) and on(job) group_left() ({vector})"),
        }
    }

    fn without_a_piece(&mut self, depth: u64) -> String {
        let query = self.vector(depth);
        let at = self.random.below(query.len() as u64) as usize;
        let length = 1 + self.random.below(2) as usize;
        format!("{}{}", &query[..at], query.get(at + length..).unwrap_or_default())
    }

    fn with_a_piece(&mut self, depth: u64) -> String {
        const PIECES: [&str; 24] = [
            "(", ")", "[", "]", "{", "}", ",", "by", "offset", "@", "\"", "5m", "1", "+", "==", "bool", "on", "rate",
            "!", "=~", ":", "#", " x ", "\u{b5}",
        ];
        let query = self.vector(depth);
        let at = self.random.below(query.len() as u64 + 1) as usize;
        format!("{}{}{}", &query[..at], self.random.pick(&PIECES), &query[at..])
    }
}
