//! Which topics there are: one for each family of facts, and two for each reaction.

use ports::work::Reaction;

/// The topic of a kind of facts, and of all others of its family: what stands before the dot.
pub fn of_kind(kind: &str) -> &str {
    kind.split_once('.').map_or(kind, |(family, _)| family)
}

/// The topic of what a reaction tries again later.
pub fn retry(reaction: &str) -> String {
    format!("{reaction}.retry")
}

/// The topic of what a reaction has given up: its dead letters.
pub fn dead(reaction: &str) -> String {
    format!("{reaction}.dead")
}

/// The topics whose facts a reaction reacts to.
pub(crate) fn families(reaction: &dyn Reaction) -> Vec<String> {
    let mut families: Vec<String> = reaction.kinds().iter().map(|kind| of_kind(kind).to_owned()).collect();
    families.sort_unstable();
    families.dedup();
    families
}
