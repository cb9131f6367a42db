//! Tests of the recording.
