//! Byte ranges (RFC 9110 section 14): one range; anything else is answered with the whole file, as the RFC allows.

use std::ops::Range;

/// What a `Range` header asks of a file of `length` bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Whole,
    Some(Range<usize>),
    Outside,
}

/// Reads the header.
pub(super) fn asked(header: Option<&str>, length: usize) -> Asked {
    let Some((first, last)) = header.and_then(|text| text.strip_prefix("bytes=")?.split_once('-')) else {
        return Asked::Whole;
    };
    let range = match (first.trim().parse::<usize>(), last.trim().parse::<usize>()) {
        (Ok(first), Ok(last)) if last >= first => first..last.saturating_add(1).min(length),
        (Ok(first), Err(_)) if last.trim().is_empty() => first..length,
        (Err(_), Ok(count)) if first.trim().is_empty() => length.saturating_sub(count)..length,
        _ => return Asked::Whole,
    };
    if range.start < range.end { Asked::Some(range) } else { Asked::Outside }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_understood_and_the_rest_is_the_whole() {
        assert_eq!(asked(Some("bytes=2-5"), 10), Asked::Some(2..6));
        assert_eq!(asked(Some("bytes=2-"), 10), Asked::Some(2..10));
        assert_eq!(asked(Some("bytes=-3"), 10), Asked::Some(7..10));
        assert_eq!(asked(Some("bytes=2-500"), 10), Asked::Some(2..10));
        assert_eq!(asked(Some("bytes=10-"), 10), Asked::Outside);
        assert_eq!(asked(Some("bytes=-0"), 10), Asked::Outside);
        for whole in [None, Some("bytes=0-1,3-4"), Some("bytes=5-2"), Some("lines=1-2"), Some("bytes=x-")] {
            assert_eq!(asked(whole, 10), Asked::Whole, "{whole:?}");
        }
    }
}
