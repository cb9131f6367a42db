//! Several bursts at work on one site: they count one crowd, and each of them, and their Redis, may go at any moment.

use serde_json::{Value, json};

use crate::{
    encoder::Encoder,
    parts::{Ground, Process},
    site::{id, until},
};

/// A show with two bursts and five who watch it.
struct Show {
    ground: Ground,
    api: Process,
    bursts: Vec<Process>,
    others: Vec<Process>,
    host: String,
    broadcast: Value,
    players: Vec<Player>,
    encoder: Encoder,
}

struct Player {
    session: Value,
    seq: u64,
}

impl Show {
    async fn begin() -> Self {
        let ground = Ground::new().await;
        let api = ground.process("api", "api", &[]).await;
        let (one, other, media, batch) = tokio::join!(
            ground.process("burst", "burst-1", &[]),
            ground.process("burst", "burst-2", &[]),
            ground.process("media", "media", &[]),
            ground.process("batch", "batch", &[]),
        );
        let host = api.person("host").await;
        let title = json!({ "title": "Several" });
        let broadcast = api.api.post("/api/v1/broadcasts", Some(&host), &title).await.unwrap();
        let encoder = Encoder::test_card(media.encoders.unwrap(), broadcast["stream_key"].as_str().unwrap(), 300);
        api.until(&broadcast, "it is live", |show| show["state"] == "live").await;
        let mut players = Vec::new();
        for number in 0..5 {
            let fan = api.person(&format!("fan{number}")).await;
            let wanted = json!({ "broadcast": id(&broadcast) });
            let session = one.api.post("/api/v1/playbacks", Some(&fan), &wanted).await.unwrap()["session"].take();
            players.push(Player { session, seq: 0 });
        }
        Self { ground, api, bursts: vec![one, other], others: vec![media, batch], host, broadcast, players, encoder }
    }

    /// The next batch of a player, of three taps, at the burst in this place; the answer's total.
    async fn tap(&mut self, player: usize, place: usize) -> u64 {
        self.players[player].seq += 1;
        self.tap_again(player, place).await
    }

    async fn tap_again(&self, player: usize, place: usize) -> u64 {
        let Player { session, seq } = &self.players[player];
        let batch = json!({ "session": session, "seq": seq, "taps": [0, 1, 2] });
        let answer = self.bursts[place].api.post("/api/v1/hearts", None, &batch).await.unwrap();
        answer["total"].as_u64().unwrap()
    }

    /// Everybody says that they watch, this time at those bursts, one after the other.
    async fn beat(&self, round: usize) {
        for (number, player) in self.players.iter().enumerate() {
            let beat = json!({ "session": player.session, "position_ms": 0 });
            let burst = &self.bursts[(number + round) % self.bursts.len()];
            burst.api.post("/api/v1/beats", None, &beat).await.unwrap();
        }
    }

    async fn hearts(&self, wanted: u64) {
        self.api.until(&self.broadcast, "the hearts are kept", |show| show["hearts"] == wanted).await;
    }

    async fn concurrent(&self) -> Value {
        self.api.show(&self.broadcast).await["viewers"]["concurrent"].take()
    }
}

fn gatherings(keys: &[String]) -> usize {
    keys.iter().filter(|key| key.contains("|gathering")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_bursts_count_one_crowd_and_either_may_die_and_redis_be_emptied() {
    let mut show = Show::begin().await;
    show.beat(0).await;
    until("five watch", || async { (show.concurrent().await == 5).then_some(()) }).await;

    // Beats and batches of each reach both in turn, and Redis is emptied again and again: every number stays right.
    let begun = std::time::Instant::now();
    let (mut taken, mut round) = (0, 0);
    while begun.elapsed().as_secs() < 15 {
        round += 1;
        show.beat(round).await;
        for player in 0..5 {
            show.tap(player, (player + round) % 2).await;
            taken += 3;
        }
        if round % 3 == 0 {
            show.ground.redis().empty();
        }
        assert_eq!(show.concurrent().await, 5, "after {:?}", begun.elapsed());
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    show.hearts(taken).await;
    show.tap(1, 1).await;
    show.tap(0, 0).await;
    taken += 6;
    // A batch that it knows already is answered with the total, and gives it nothing to keep.
    until("one burst knows what the other has taken", || async { (show.tap_again(1, 1).await == taken).then_some(()) })
        .await;
    show.hearts(taken).await;
    assert!(gatherings(&show.ground.redis().keys()) > 0, "they count in Redis");

    // One dies with a batch that it has answered: at the most that is lost, and the same batch brings it back.
    show.tap(1, 0).await;
    show.bursts.remove(0).kill().await;
    show.tap_again(1, 0).await;
    taken += 3;
    show.hearts(taken).await;
    show.beat(0).await;
    assert_eq!(show.concurrent().await, 5, "nobody is missed");
    let third = show.ground.process("burst", "burst-3", &[]).await;
    show.bursts.push(third);
    for round in 0..4 {
        show.beat(round).await;
        show.tap(2, round % 2).await;
        taken += 3;
        assert_eq!(show.concurrent().await, 5, "a burst that begins knows who is there");
    }
    show.hearts(taken).await;

    let end = format!("/api/v1/broadcasts/{}/end", id(&show.broadcast));
    show.api.api.post(&end, Some(&show.host), &json!({})).await.unwrap();
    until("nothing of it stays in Redis", || async { (gatherings(&show.ground.redis().keys()) == 0).then_some(()) })
        .await;
    show.hearts(taken).await;
    let over = show.api.show(&show.broadcast).await;
    assert_eq!((&over["viewers"]["unique"], &over["viewers"]["peak"]), (&json!(5), &json!(5)), "{over}");
    show.encoder.kill().await;
    drop(show.others);
}
