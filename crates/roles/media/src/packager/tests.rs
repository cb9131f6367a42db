//! Tests of the packager as a whole.
