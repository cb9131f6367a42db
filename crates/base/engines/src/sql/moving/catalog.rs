//! The tables of both sides, as their catalogs have them, in an order in which each follows those it refers to.

use std::collections::{BTreeMap, BTreeSet};

use super::{MoveError, row::Kind, source::Source, target::Target};

/// A table that both sides have, with the target's types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
}

/// One of its columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Its place in the primary key.
    pub(super) in_key: Option<i32>,
    /// The engine counts it up.
    pub(super) is_identity: bool,
}

impl Table {
    /// The primary key, in its order.
    pub(super) fn key(&self) -> Vec<&Column> {
        let mut key: Vec<&Column> = self.columns.iter().filter(|column| column.in_key.is_some()).collect();
        key.sort_by_key(|column| column.in_key);
        key
    }

    /// The names of all columns, joined by commas.
    pub(super) fn list(&self) -> String {
        self.columns.iter().map(|column| quote(&column.name)).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn kinds(&self) -> Vec<Kind> {
        self.columns.iter().map(|column| column.kind).collect()
    }
}

/// A name as SQL takes it.
pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Whether a table is an engine's own, and stays where it is.
pub(super) fn is_own(name: &str) -> bool {
    name.starts_with('_')
}

/// The tables of all files, each with the file it is in.
pub(super) async fn shared(sources: &mut [Source], target: &mut Target) -> Result<Vec<(usize, Table)>, MoveError> {
    let mut here: BTreeMap<String, (usize, BTreeSet<String>)> = BTreeMap::new();
    for (file, source) in sources.iter_mut().enumerate() {
        for (table, columns) in source.tables().await? {
            if here.insert(table.clone(), (file, columns)).is_some() {
                return Err(MoveError::Schema(format!("two files have a table {table}")));
            }
        }
    }
    let there = target.tables().await?;
    check(&here, &there)?;
    let ordered = in_order(there, &target.references().await?)?;
    Ok(ordered.into_iter().filter_map(|table| here.get(&table.name).map(|(file, _)| (*file, table))).collect())
}

/// Refuses what one side lacks.
fn check(here: &BTreeMap<String, (usize, BTreeSet<String>)>, there: &[Table]) -> Result<(), MoveError> {
    let mut wrong = Vec::new();
    for table in here.keys().filter(|name| there.iter().all(|table| table.name != **name)) {
        wrong.push(format!("the target has no table {table}"));
    }
    for table in there {
        let Some((_, columns)) = here.get(&table.name) else {
            wrong.push(format!("the files have no table {}", table.name));
            continue;
        };
        let known: BTreeSet<String> = table.columns.iter().map(|column| column.name.clone()).collect();
        wrong.extend(columns.difference(&known).map(|name| format!("the target has no {}.{name}", table.name)));
        wrong.extend(known.difference(columns).map(|name| format!("the files have no {}.{name}", table.name)));
        if table.key().is_empty() {
            wrong.push(format!("{} has no primary key", table.name));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(MoveError::Schema(wrong.join(", "))) }
}

/// Those that are referred to first; `references` are pairs of who refers and to whom.
fn in_order(mut left: Vec<Table>, references: &[(String, String)]) -> Result<Vec<Table>, MoveError> {
    left.sort_by(|one, other| one.name.cmp(&other.name));
    let mut ordered: Vec<Table> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waits = |table: &Table| {
            let others = references.iter().filter(|(who, to)| *who == table.name && *to != table.name);
            others.into_iter().any(|(_, to)| ordered.iter().all(|done| done.name != *to))
        };
        let Some(next) = left.iter().position(|table| !waits(table)) else {
            let names: Vec<&str> = left.iter().map(|table| table.name.as_str()).collect();
            return Err(MoveError::Schema(format!("tables that refer to each other: {}", names.join(", "))));
        };
        ordered.push(left.remove(next));
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, columns: &[&str]) -> Table {
        let column = |(place, name): (usize, &&str)| Column {
            name: (*name).to_owned(),
            kind: Kind::Int8,
            in_key: (place == 0).then_some(0),
            is_identity: false,
        };
        Table { name: name.into(), columns: columns.iter().enumerate().map(column).collect() }
    }

    #[test]
    fn what_one_side_lacks_is_named() {
        let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let here = BTreeMap::from([
            ("a".to_owned(), (0, columns(&["id", "old"]))),
            ("only_here".to_owned(), (1, columns(&["id"]))),
            ("keyless".to_owned(), (0, columns(&[]))),
        ]);
        let there = [table("a", &["id", "new"]), table("only_there", &["id"]), table("keyless", &[])];
        let MoveError::Schema(told) = check(&here, &there).unwrap_err() else { panic!("another error") };
        let expected = "the target has no table only_here, the target has no a.old, the files have no a.new, \
                        the files have no table only_there, keyless has no primary key";
        assert_eq!(told, expected);
        let fitting = BTreeMap::from([("a".to_owned(), (0, columns(&["new", "id"])))]);
        check(&fitting, &there[..1]).unwrap();
    }

    #[test]
    fn who_is_referred_to_comes_first() {
        let refer = |who: &str, to: &str| (who.to_owned(), to.to_owned());
        let all = || ["a", "b", "c"].map(|name| table(name, &["id"])).to_vec();
        let names = |tables: Vec<Table>| tables.into_iter().map(|table| table.name).collect::<String>();
        assert_eq!(names(in_order(all(), &[]).unwrap()), "abc");
        let chain = [refer("a", "b"), refer("b", "c"), refer("b", "b")];
        assert_eq!(names(in_order(all(), &chain).unwrap()), "cba");
        let circle = in_order(all(), &[refer("a", "b"), refer("b", "a")]).unwrap_err().to_string();
        assert!(circle.contains("a, b"), "{circle}");
    }
}
