//! The way from one process to PostgreSQL is cut, and mended: the others go on, and nothing that was on its way counts twice.

use super::{Chance, away, yard::Yard};
use crate::{cable::Cable, ground::ENGINE, parts::Ground};

#[tokio::test(flavor = "multi_thread")]
async fn one_api_is_cut_off_from_postgresql_for_a_while() {
    let mut chance = Chance::new();
    let ground = Ground::new().await;
    let (user, rest) = ground.sql.split_once('@').unwrap();
    let (address, database) = rest.split_once('/').unwrap();
    let cable = Cable::to(address.parse().unwrap()).await;
    let by_way_of_it = format!("{user}@{}/{database}", cable.address);
    let mut yard = Yard::open(ground, &[]).await;
    let place = chance.below(2) as usize;
    let name = format!("api-{place}");
    yard.apis[place].end(true).await;
    yard.apis[place] = yard.process("api", &name, &[(ENGINE, &by_way_of_it)]).await;
    let load = yard.load().await;
    load.answers(chance.soon()).await;

    cable.cut();
    tokio::time::sleep(away()).await;
    cable.mend();
    // Who has lost its place for so long ends by itself; whatever looks after processes starts it again.
    let has_ended = yard.apis[place].has_ended();
    if has_ended {
        yard.apis[place] = yard.process("api", &name, &[]).await;
        load.apis.set(place, &yard.apis[place]);
    }
    let recovery = load.recovery().await;
    load.answers(chance.soon()).await;
    let reckoning = load.end(&yard.apis[1 - place]).await;
    yard.counts(reckoning.messages).await;
    let ended = if has_ended { "; the API had ended and was started again" } else { "" };
    let fault = format!("8. An API is cut off from PostgreSQL for {} s", away().as_secs());
    reckoning.is_right(&fault, &format!("{recovery:.1} s after the way is mended{ended}"), chance.seed);
}
