//! Engines inside the binary: files in the data folder and memory of the process. Nothing here is a mock: it is what a
//! small site runs in production.

mod blobs;
mod bus;
mod room_window;

pub use blobs::FileBlobs;
pub use bus::LocalBus;
pub use room_window::RoomWindow;
