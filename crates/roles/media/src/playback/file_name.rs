//! The files at a broadcast's address.

use std::str::FromStr;

use crate::packager::SegmentName;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileName {
    Multivariant,
    Media,
    Thumbnail,
    Init(SegmentName),
    Segment(SegmentName),
    Part(SegmentName, usize),
}

impl FileName {
    /// Reads a name; only the one spelling that playlists use is one, because everything else would be cached besides.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "index.m3u8" => return Some(Self::Multivariant),
            "media.m3u8" => return Some(Self::Media),
            "thumbnail.jpg" => return Some(Self::Thumbnail),
            _ => {}
        }
        let (kind, rest) = text.split_once('-')?;
        match kind {
            "init" => Some(Self::Init(SegmentName(number(rest.strip_suffix(".mp4")?)?))),
            "seg" => Some(Self::Segment(SegmentName(number(rest.strip_suffix(".m4s")?)?))),
            "part" => {
                let (name, index) = rest.strip_suffix(".m4s")?.split_once('.')?;
                Some(Self::Part(SegmentName(number(name)?), number(index)?))
            }
            _ => None,
        }
    }
}

fn number<T: FromStr>(text: &str) -> Option<T> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_spelling_of_playlists_is_a_name() {
        assert_eq!(FileName::parse("part-12.3.m4s"), Some(FileName::Part(SegmentName(12), 3)));
        assert_eq!(FileName::parse("seg-0.m4s"), Some(FileName::Segment(SegmentName(0))));
        assert_eq!(FileName::parse("init-7.mp4"), Some(FileName::Init(SegmentName(7))));
        for other in
            ["seg-07.m4s", "seg-+7.m4s", "seg-.m4s", "seg-7.mp4", "part-1.m4s", "../x", "seg-99999999999999999999.m4s"]
        {
            assert_eq!(FileName::parse(other), None, "{other}");
        }
    }
}
