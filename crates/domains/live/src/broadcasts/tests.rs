mod http;
mod keys;
mod life;
mod media;
mod races;
