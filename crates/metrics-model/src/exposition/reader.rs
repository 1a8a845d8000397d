//! One scrape reader for whichever format a target answers in.

use super::entry::{Entry, SampleLine};
use super::error::ParseError;
use super::negotiate::MediaType;
use super::openmetrics::OpenMetricsReader;
use super::protobuf::{ProtobufError, ProtobufOptions, ProtobufReader};
use super::text::TextReader;

/// What may be read in more than one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadOptions {
    /// Whether `_created` lines of OpenMetrics become start times instead of samples.
    pub fold_created: bool,
    /// Histograms that are classic and native at once.
    pub protobuf: ProtobufOptions,
}

/// Why a scraped page was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ReadError {
    /// In a text format.
    #[error(transparent)]
    Text(#[from] ParseError),
    /// In the protobuf format.
    #[error(transparent)]
    Protobuf(#[from] ProtobufError),
}

/// Reads entries from the bytes of a scrape, in order. After an error it is at its end.
#[derive(Debug)]
pub struct Reader<'a>(Format<'a>);

#[derive(Debug)]
enum Format<'a> {
    Text(TextReader<'a>),
    OpenMetrics(Box<OpenMetricsReader<'a>>),
    Protobuf(Box<ProtobufReader<'a>>),
}

impl<'a> Reader<'a> {
    /// A reader of `input`, which a target says is of `media_type`.
    #[must_use]
    pub fn new(media_type: MediaType, input: &'a [u8], options: ReadOptions) -> Self {
        Self(match media_type {
            MediaType::Text => Format::Text(TextReader::new(input)),
            MediaType::OpenMetrics if options.fold_created => {
                Format::OpenMetrics(Box::new(OpenMetricsReader::new(input).folding_created()))
            }
            MediaType::OpenMetrics => Format::OpenMetrics(Box::new(OpenMetricsReader::new(input))),
            MediaType::Protobuf => Format::Protobuf(Box::new(ProtobufReader::new(input, options.protobuf))),
        })
    }

    /// Reads the next line, if it is a sample of a series that an earlier page had, as [`TextReader::sample_of`] does. `None`
    /// also for formats that have no such way.
    #[inline]
    pub fn sample_of(&mut self, series: &str) -> Option<SampleLine<'a>> {
        match &mut self.0 {
            Format::Text(reader) => reader.sample_of(series),
            Format::OpenMetrics(_) | Format::Protobuf(_) => None,
        }
    }

    /// Reads one entry. `None`: the end. Entries may borrow from the reader, which is why it is no iterator.
    ///
    /// # Errors
    /// [`ReadError`], after which there is nothing more.
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend")]
    #[inline]
    pub fn next(&mut self) -> Option<Result<Entry<'_>, ReadError>> {
        match &mut self.0 {
            Format::Text(reader) => Some(reader.next()?.map_err(ReadError::from)),
            Format::OpenMetrics(reader) => Some(reader.next()?.map_err(ReadError::from)),
            Format::Protobuf(reader) => Some(reader.next()?.map_err(ReadError::from)),
        }
    }
}
