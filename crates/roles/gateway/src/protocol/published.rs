//! One publication of a channel, as it is kept in memory for all who get it.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use ports::about::About;
use serde_json::value::RawValue;

use super::fossil;

/// One publication. What its readers need beyond its bytes is made when the first of them needs it.
#[derive(Debug, Default)]
pub(crate) struct Published {
    data: Bytes,
    about: Option<Arc<About>>,
    /// Its place in the log; none when it is not kept.
    offset: Option<u64>,
    /// The epoch of its log, on the first publication of one.
    epoch: Option<Arc<str>>,
    /// Its data as one line of JSON; none inside: it is that as it is.
    line: OnceLock<Option<Bytes>>,
    /// The difference of its data to the data before it; none inside: there is none that is worth it.
    difference: OnceLock<Option<Bytes>>,
}

/// How the data of a publication is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DataForm {
    /// As it is.
    Plain,
    /// For a reader that takes differences, and has nothing to apply one to.
    Whole,
    /// The difference to the publication before, where there is one.
    Difference,
}

impl Published {
    /// A publication with a place in the log. The first of a log carries the epoch.
    pub(crate) fn positioned(data: Bytes, about: Option<Arc<About>>, offset: u64, epoch: &Arc<str>) -> Self {
        let epoch = (offset == 1).then(|| epoch.clone());
        Self { data, about, offset: Some(offset), epoch, ..Self::default() }
    }

    /// A publication that is not kept anywhere.
    pub(crate) fn passing(data: Bytes, about: Option<Arc<About>>) -> Self {
        Self { data, about, ..Self::default() }
    }

    /// The same without a difference: what stands before it is not what its readers have.
    pub(crate) fn whole(self) -> Self {
        Self { difference: OnceLock::from(None), ..self }
    }

    /// The same with other data, as a redaction has it.
    pub(crate) fn with_data(&self, data: Bytes) -> Self {
        Self { data, about: self.about.clone(), offset: self.offset, epoch: self.epoch.clone(), ..Self::default() }
    }

    pub(crate) fn data(&self) -> &Bytes {
        &self.data
    }

    pub(crate) fn about(&self) -> Option<&About> {
        self.about.as_deref()
    }

    pub(crate) fn offset(&self) -> Option<u64> {
        self.offset
    }

    pub(crate) fn epoch(&self) -> Option<&str> {
        self.epoch.as_deref()
    }

    /// What it weighs in memory and in a frame, about.
    pub(crate) fn size(&self) -> usize {
        self.data.len() + self.about.as_ref().map_or(0, |about| about.size()) + 64
    }

    /// The data as one line of JSON. Data that is none becomes `null`: a publisher that does not keep to JSON costs its
    /// publication the data, never a client its connection or a channel its order.
    pub(crate) fn line(&self) -> &Bytes {
        self.line.get_or_init(|| other_line(&self.data)).as_ref().unwrap_or(&self.data)
    }

    fn is_line(&self) -> bool {
        self.line.get_or_init(|| other_line(&self.data)).is_none()
    }

    /// The difference to `before`, the publication before it in its channel.
    pub(crate) fn difference(&self, before: &Self) -> Option<&Bytes> {
        self.difference.get_or_init(|| fossil::difference(&before.data, &self.data)).as_ref()
    }

    /// The same for readers of JSON, who hold lines.
    pub(crate) fn line_difference(&self, before: &Self) -> Option<&str> {
        if !self.is_line() || !before.is_line() {
            return None;
        }
        std::str::from_utf8(self.difference(before)?).ok()
    }
}

/// What stands for `data` in a line of JSON, unless it does so itself.
pub(crate) fn other_line(data: &Bytes) -> Option<Bytes> {
    match serde_json::from_slice::<&RawValue>(data) {
        Ok(json) if json.get().len() == data.len() && !data.contains(&b'\n') => None,
        // A line feed inside JSON can only be white space between tokens.
        Ok(json) => Some(json.get().replace('\n', " ").into()),
        Err(error) => {
            // Anybody who may publish in Protobuf can cause this as often as they like: counted, and told to who looks.
            metrics::counter!("madang_gateway_values_not_json").increment(1);
            tracing::debug!(%error, "a value for readers of JSON is not JSON; they get null");
            Some(Bytes::from_static(b"null"))
        }
    }
}
