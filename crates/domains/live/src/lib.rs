//! The live domain: channels, broadcasts and their life, and the crowd around them.
//!
//! Promise: a broadcast's state is changed by one pure machine and one conditional write, whoever asks and in whatever
//! order the news of its stream arrives. It knows no frames and no sockets: what it wants of others is in [`needs`].

pub mod needs;
