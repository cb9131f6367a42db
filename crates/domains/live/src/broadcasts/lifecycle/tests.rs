//! The machine against lost, doubled and reordered news.

use proptest::prelude::*;

use super::*;

const PATIENCE: Patience = Patience { grace_ms: 30_000, pause_ms: 1_800_000 };
const BEGIN: Timestamp = Timestamp::from_millis(1_790_000_000_000);

fn any_input() -> impl Strategy<Value = Input> {
    // Epochs that were never given out are among them.
    let epoch = -1_i64..6;
    prop_oneof![
        2 => Just(Input::TimePassed),
        2 => Just(Input::Start),
        1 => Just(Input::Pause),
        2 => Just(Input::Resume),
        1 => prop_oneof![9 => Just(Input::TimePassed), 1 => Just(Input::End)],
        3 => Just(Input::PublisherAdmitted),
        6 => epoch.clone().prop_map(|publish_epoch| Input::StreamArrived { publish_epoch }),
        5 => epoch.clone().prop_map(|publish_epoch| Input::StreamInterrupted { publish_epoch }),
        1 => epoch.clone().prop_map(|publish_epoch| Input::StreamGoesOn { publish_epoch }),
        1 => epoch.prop_map(|publish_epoch| Input::ServerRestarted { publish_epoch }),
    ]
}

/// Pauses between inputs: mostly short, at times around the grace or longer than a pause may be.
fn any_wait_ms() -> impl Strategy<Value = i64> {
    prop_oneof![8 => 0_i64..5_000, 2 => 29_990_i64..30_010, 1 => Just(1_800_000_i64)]
}

fn any_new() -> impl Strategy<Value = Life> {
    (any::<bool>(), proptest::option::of(-1_000_i64..60_000))
        .prop_map(|(auto_start, in_ms)| Life::new(auto_start, in_ms.map(|ms| BEGIN.plus_millis(ms)), BEGIN))
}

fn is_step(from: BroadcastState, to: BroadcastState) -> bool {
    use BroadcastState::{Created, Ended, Live, Paused, Ready};
    from == to
        || matches!(
            (from, to),
            (Created, Ready | Live | Ended) | (Ready, Live | Ended) | (Live, Paused | Ended) | (Paused, Live | Ended)
        )
}

fn check_shape(life: &Life) -> Result<(), TestCaseError> {
    let arriving = life.stream == StreamState::Arriving;
    if life.is_on_air() {
        prop_assert!(life.started_at.is_some(), "on air implies that it began: {life:?}");
    }
    prop_assert_eq!(life.timeline_start, life.started_at, "its timeline begins with it");
    if life.is_ahead() {
        prop_assert!(life.started_at.is_none() && life.timeline_start.is_none(), "{life:?}");
    }
    prop_assert_eq!(life.ended_at.is_some(), life.state == BroadcastState::Ended);
    prop_assert_eq!(life.paused_at.is_some(), life.state == BroadcastState::Paused);
    prop_assert_eq!(life.silent_since.is_some(), life.is_on_air() && !arriving);
    prop_assert!(life.stream != StreamState::Interrupted || life.is_on_air(), "{life:?}");
    prop_assert!(life.gone_epoch <= life.publish_epoch, "{life:?}");
    prop_assert!(!arriving || life.gone_epoch < life.publish_epoch, "a gone publisher cannot be arriving: {life:?}");
    Ok(())
}

fn check_step(before: &Life, input: Input, after: &Life, now: Timestamp) -> Result<(), TestCaseError> {
    prop_assert!(is_step(before.state, after.state), "{before:?} {input:?} {after:?}");
    let admitted = i64::from(matches!(input, Input::PublisherAdmitted));
    prop_assert_eq!(after.publish_epoch, before.publish_epoch + admitted);
    let goes_on = matches!(input, Input::StreamGoesOn { .. });
    prop_assert!(after.gone_epoch >= before.gone_epoch || goes_on);
    prop_assert!(before.started_at.is_none() || before.started_at == after.started_at);
    prop_assert!(before.timeline_start.is_none() || before.timeline_start == after.timeline_start);
    if before.state == BroadcastState::Ended {
        prop_assert_eq!(after, before, "the end is final");
    }
    match input {
        Input::StreamArrived { publish_epoch }
        | Input::StreamInterrupted { publish_epoch }
        | Input::StreamGoesOn { publish_epoch }
        | Input::ServerRestarted { publish_epoch }
            if publish_epoch != before.publish_epoch =>
        {
            prop_assert_eq!(after, before, "another epoch's news changes nothing");
        }
        Input::StreamArrived { publish_epoch } if publish_epoch <= before.gone_epoch => {
            prop_assert_eq!(after, before, "an epoch that is over stays over");
        }
        Input::StreamInterrupted { .. } => {
            prop_assert_eq!(after.state, before.state, "an encoder that goes away ends nothing at once");
            prop_assert!(after.stream != StreamState::Arriving);
        }
        Input::TimePassed if after.ended_at.is_some() && before.ended_at.is_none() => {
            let (since, limit_ms) = match (before.state, before.stream) {
                (BroadcastState::Paused, _) => (before.paused_at, PATIENCE.pause_ms),
                (_, StreamState::Interrupted) => (before.silent_since, PATIENCE.grace_ms),
                (_, stream) => {
                    prop_assert_eq!(stream, StreamState::Absent, "nothing ends while its stream arrives");
                    (before.silent_since, PATIENCE.pause_ms)
                }
            };
            prop_assert!(now.millis_since(since.unwrap()) >= limit_ms);
        }
        _ => {}
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn holds_its_rules_whatever_happens_in_whatever_order(
        new in any_new(),
        inputs in proptest::collection::vec((any_wait_ms(), any_input()), 1..60),
    ) {
        let (mut life, mut now) = (new, BEGIN);
        check_shape(&life)?;
        for (wait_ms, input) in inputs {
            now = now.plus_millis(wait_ms);
            // A refused command changes nothing by construction.
            let Ok(after) = life.after(input, now, &PATIENCE) else { continue };
            check_shape(&after)?;
            check_step(&life, input, &after, now)?;
            if !matches!(input, Input::PublisherAdmitted | Input::TimePassed) {
                prop_assert_eq!(after.after(input, now, &PATIENCE), Ok(after), "said twice, {:?} does no more", input);
            }
            life = after;
        }
    }

    /// What was heard before, heard again at any later time, leaves no trace.
    #[test]
    fn late_and_doubled_news_leaves_no_trace(
        new in any_new(),
        sessions in proptest::collection::vec((any::<bool>(), any::<bool>(), 0_i64..20_000), 1..6),
        echoes in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..3), 0..40),
    ) {
        let (mut clean, mut noisy, mut now) = (new, new, BEGIN);
        let mut heard: Vec<Input> = Vec::new();
        let mut echoes = echoes.into_iter();
        for (publish_epoch, (arrives, is_interrupted, wait_ms)) in (1_i64..).zip(sessions) {
            let news = [
                Some(Input::PublisherAdmitted),
                // The first frames of a session, or the news of its end, may be lost.
                arrives.then_some(Input::StreamArrived { publish_epoch }),
                is_interrupted.then_some(Input::StreamInterrupted { publish_epoch }),
                Some(Input::TimePassed),
            ];
            for input in news.into_iter().flatten() {
                now = now.plus_millis(wait_ms);
                let (Ok(next), Ok(next_noisy)) =
                    (clean.after(input, now, &PATIENCE), noisy.after(input, now, &PATIENCE)) else { break };
                (clean, noisy) = (next, next_noisy);
                if matches!(input, Input::StreamArrived { .. } | Input::StreamInterrupted { .. }) {
                    heard.push(input);
                }
                let echo = echoes.next().filter(|_| !heard.is_empty());
                if let Some((echo, times)) = echo {
                    for _ in 0..times {
                        noisy = noisy.after(heard[echo.index(heard.len())], now, &PATIENCE).unwrap();
                    }
                }
                prop_assert_eq!(noisy, clean);
            }
        }
    }
}

fn live() -> Life {
    let ready = Life::new(true, None, BEGIN);
    let admitted = ready.after(Input::PublisherAdmitted, BEGIN, &PATIENCE).unwrap();
    admitted.after(Input::StreamArrived { publish_epoch: 1 }, BEGIN, &PATIENCE).unwrap()
}

#[test]
fn commands_that_do_not_fit_are_refused_and_those_already_true_are_not() {
    let ready = Life::new(false, None, BEGIN);
    let after = |life: Life, input| life.after(input, BEGIN, &PATIENCE);
    assert_eq!(after(ready, Input::Pause), Err(WrongState::PauseBeforeLive));
    assert_eq!(after(ready, Input::Resume), Err(WrongState::ResumeBeforeLive));
    let live = live();
    assert_eq!(after(live, Input::Start), Ok(live));
    assert_eq!(after(live, Input::Resume), Ok(live));
    let paused = after(live, Input::Pause).unwrap();
    assert_eq!(after(paused, Input::Start), Err(WrongState::StartWhilePaused));
    assert_eq!(after(paused, Input::Resume), Ok(live));
    let ended = after(paused, Input::End).unwrap();
    for input in [Input::Start, Input::Pause, Input::Resume, Input::PublisherAdmitted] {
        assert_eq!(after(ended, input), Err(WrongState::Over));
    }
    assert_eq!(after(ended, Input::End), Ok(ended));
}

#[test]
fn without_auto_start_a_stream_is_previewed_until_the_host_starts() {
    let ready = Life::new(false, None, BEGIN);
    let admitted = ready.after(Input::PublisherAdmitted, BEGIN, &PATIENCE).unwrap();
    let preview = admitted.after(Input::StreamArrived { publish_epoch: 1 }, BEGIN, &PATIENCE).unwrap();
    assert_eq!((preview.state, preview.stream), (BroadcastState::Ready, StreamState::Arriving));
    let live = preview.after(Input::Start, BEGIN, &PATIENCE).unwrap();
    assert_eq!((live.state, live.silent_since, live.started_at), (BroadcastState::Live, None, Some(BEGIN)));
}

#[test]
fn a_scheduled_broadcast_with_its_stream_goes_live_on_time() {
    let due = BEGIN.plus_millis(60_000);
    let created = Life::new(true, Some(due), BEGIN);
    let admitted = created.after(Input::PublisherAdmitted, BEGIN, &PATIENCE).unwrap();
    let early = admitted.after(Input::StreamArrived { publish_epoch: 1 }, BEGIN, &PATIENCE).unwrap();
    assert_eq!((early.state, early.stream), (BroadcastState::Created, StreamState::Arriving));
    assert_eq!(early.after(Input::TimePassed, due.plus_millis(-1), &PATIENCE), Ok(early));
    assert_eq!(early.after(Input::TimePassed, due, &PATIENCE).unwrap().state, BroadcastState::Live);
}

#[test]
fn an_encoder_stopped_in_a_pause_gets_the_whole_grace_after_it() {
    let paused = live().after(Input::Pause, BEGIN, &PATIENCE).unwrap();
    let silent = paused.after(Input::StreamInterrupted { publish_epoch: 1 }, BEGIN, &PATIENCE).unwrap();
    let later = BEGIN.plus_millis(600_000);
    assert_eq!(silent.after(Input::TimePassed, later, &PATIENCE), Ok(silent));
    let resumed = silent.after(Input::Resume, later, &PATIENCE).unwrap();
    let in_grace = later.plus_millis(PATIENCE.grace_ms - 1);
    assert_eq!(resumed.after(Input::TimePassed, in_grace, &PATIENCE), Ok(resumed));
    let ended = resumed.after(Input::TimePassed, in_grace.plus_millis(1), &PATIENCE).unwrap();
    assert_eq!(ended.state, BroadcastState::Ended);
}

#[test]
fn a_publisher_that_was_taken_for_gone_goes_on_and_the_one_before_it_does_not() {
    let silent = live().after(Input::StreamInterrupted { publish_epoch: 1 }, BEGIN, &PATIENCE).unwrap();
    assert_eq!(silent.after(Input::StreamArrived { publish_epoch: 1 }, BEGIN, &PATIENCE), Ok(silent));
    let back = silent.after(Input::StreamGoesOn { publish_epoch: 1 }, BEGIN, &PATIENCE);
    assert_eq!(back, Ok(live()));
    let next = silent.after(Input::PublisherAdmitted, BEGIN, &PATIENCE).unwrap();
    assert_eq!(
        next.after(Input::StreamGoesOn { publish_epoch: 1 }, BEGIN, &PATIENCE),
        Ok(next),
        "another one is there"
    );
    assert_eq!(next.after(Input::ServerRestarted { publish_epoch: 1 }, BEGIN, &PATIENCE), Ok(next));
    let ended = silent.after(Input::End, BEGIN, &PATIENCE).unwrap();
    assert_eq!(ended.after(Input::StreamGoesOn { publish_epoch: 1 }, BEGIN, &PATIENCE), Ok(ended));
}
