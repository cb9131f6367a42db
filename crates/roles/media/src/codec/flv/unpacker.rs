//! Turns one publisher's tags into packets.
//!
//! Promise: a frame is given only behind its codec's configuration, and a configuration only when it is new.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    FlvError,
    audio::{self, AudioTag},
    metadata,
    video::{self, VideoTag},
};
use crate::{
    codec::{
        Tag, TagKind,
        config::{ConfigError, aac, av1, avc, hevc, opus},
    },
    frame::{AudioCodec, AudioConfig, Packet, VideoCodec, VideoConfig},
};

/// Knows the configurations in force.
#[derive(Debug, Default)]
pub struct Unpacker {
    video: Option<Arc<VideoConfig>>,
    audio: Option<Arc<AudioConfig>>,
}

impl Unpacker {
    /// Gives the packets of a tag to `push`, in order.
    ///
    /// # Errors
    /// [`FlvError`] when the tag is cut off, or its codec or configuration cannot be taken in.
    pub fn unpack(&mut self, tag: Tag, mut push: impl FnMut(Packet)) -> Result<(), FlvError> {
        match tag.kind {
            TagKind::Video => self.unpack_video(tag, push),
            TagKind::Audio => self.unpack_audio(tag, push),
            TagKind::Data => {
                if let Some(metadata) = metadata::read(&tag.body) {
                    push(Packet::Metadata(metadata));
                }
                Ok(())
            }
        }
    }

    fn unpack_video(&mut self, tag: Tag, mut push: impl FnMut(Packet)) -> Result<(), FlvError> {
        let timestamp_ms = tag.timestamp_ms;
        match video::read(tag.body)? {
            None => {}
            Some(VideoTag::Config { codec, record }) => match read_video_config(codec, record) {
                Ok(config) => self.configure_video(config, push),
                // Without a sequence header in the record, the first keyframe brings it.
                Err(ConfigError::Incomplete(_)) if codec == VideoCodec::Av1 => self.video = None,
                Err(error) => return Err(error.into()),
            },
            Some(VideoTag::Frame { codec, keyframe, composition_ms, mut data }) => {
                if codec == VideoCodec::Av1 {
                    if self.video.is_none()
                        && keyframe
                        && let Ok(config) = av1::read(data.clone())
                    {
                        self.configure_video(config, &mut push);
                    }
                    data = av1::without_temporal_delimiter(data);
                }
                if self.video.as_ref().is_some_and(|config| config.codec == codec) && !data.is_empty() {
                    push(Packet::Video { timestamp_ms, composition_ms, keyframe, data });
                }
            }
        }
        Ok(())
    }

    fn unpack_audio(&mut self, tag: Tag, mut push: impl FnMut(Packet)) -> Result<(), FlvError> {
        let timestamp_ms = tag.timestamp_ms;
        match audio::read(tag.body)? {
            None => {}
            Some(AudioTag::Config { codec, record }) => self.configure_audio(read_audio_config(codec, record)?, push),
            Some(AudioTag::Frame { codec, data }) => {
                if codec == AudioCodec::Opus && self.audio.is_none() {
                    self.configure_audio(opus::read(Bytes::new())?, &mut push);
                }
                if self.audio.as_ref().is_some_and(|config| config.codec == codec) {
                    push(Packet::Audio { timestamp_ms, data });
                }
            }
        }
        Ok(())
    }

    fn configure_video(&mut self, config: VideoConfig, mut push: impl FnMut(Packet)) {
        if self.video.as_deref() != Some(&config) {
            let config = Arc::new(config);
            self.video = Some(Arc::clone(&config));
            push(Packet::VideoConfig(config));
        }
    }

    fn configure_audio(&mut self, config: AudioConfig, mut push: impl FnMut(Packet)) {
        if self.audio.as_deref() != Some(&config) {
            let config = Arc::new(config);
            self.audio = Some(Arc::clone(&config));
            push(Packet::AudioConfig(config));
        }
    }
}

fn read_video_config(codec: VideoCodec, record: Bytes) -> Result<VideoConfig, ConfigError> {
    match codec {
        VideoCodec::H264 => avc::read(record),
        VideoCodec::Hevc => hevc::read(record),
        VideoCodec::Av1 => av1::read(record),
    }
}

fn read_audio_config(codec: AudioCodec, record: Bytes) -> Result<AudioConfig, ConfigError> {
    match codec {
        AudioCodec::Aac => aac::read(record),
        AudioCodec::Opus => opus::read(record),
    }
}
