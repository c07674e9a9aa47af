//! Properties of stored pipelines and of the scorer, over any pipeline.

mod arbitrary;
mod artifacts;
mod forgery;
mod scorer;
mod speed;
