//! Stream keys: whose they are, and until when.

use kernel::events::live::BroadcastState;

use crate::{
    Settings,
    broadcasts::{Command, Draft, Error, PublishRefused},
    testing::{JUNO, MINA, draft, identity, sites, sites_with},
};

#[tokio::test]
async fn a_broadcasts_key_opens_it_alone_until_it_is_replaced_or_the_show_is_over() {
    for site in sites().await {
        let (first, first_key) = site.broadcasts.create(MINA, draft("one")).await.unwrap();
        let (second, second_key) = site.broadcasts.create(MINA, draft("two")).await.unwrap();
        assert_eq!(site.broadcasts.resolve_key(&first_key).await, Ok(first.id));
        assert_eq!(site.broadcasts.resolve_key(&second_key).await, Ok(second.id));
        for wrong in ["", "bk_", "ck_0", &first_key[..10], &format!("{first_key}0"), &first_key.to_uppercase()] {
            assert_eq!(site.broadcasts.resolve_key(wrong).await, Err(PublishRefused::UnknownKey), "{wrong}");
        }
        let refused = site.broadcasts.rotate_key(&identity(JUNO), first.id).await;
        assert!(matches!(refused, Err(Error::NotHost)));
        let new_key = site.broadcasts.rotate_key(&identity(MINA), first.id).await.unwrap();
        assert_eq!(site.broadcasts.resolve_key(&first_key).await, Err(PublishRefused::UnknownKey));
        assert_eq!(site.broadcasts.resolve_key(&new_key).await, Ok(first.id));
        site.broadcasts.command(&identity(MINA), first.id, Command::End).await.unwrap();
        let over = PublishRefused::NotNow("The broadcast is over.".into());
        assert_eq!(site.broadcasts.resolve_key(&new_key).await, Err(over));
        assert!(site.broadcasts.rotate_key(&identity(MINA), first.id).await.is_err());
    }
}

#[tokio::test]
async fn the_lasting_key_opens_what_is_on_air_else_the_newest_ready_else_something_new() {
    for site in sites().await {
        let old_key = site.channels.rotate_key(MINA).await.unwrap();
        let key = site.channels.rotate_key(MINA).await.unwrap();
        assert_eq!(site.broadcasts.resolve_key(&old_key).await, Err(PublishRefused::UnknownKey));
        site.channels.set_default_title(MINA, "every evening").await.unwrap();

        let later = Some(kernel::Timestamp::from_millis(crate::testing::START_MS + 3_600_000));
        let (scheduled, _) =
            site.broadcasts.create(MINA, Draft { scheduled_at: later, ..draft("later") }).await.unwrap();
        let made = site.broadcasts.resolve_key(&key).await.unwrap();
        assert_ne!(made, scheduled.id, "what is scheduled for later is left alone");
        let new = site.seen(made).await;
        assert_eq!((new.title.as_str(), new.life.auto_start), ("every evening", true));
        assert_eq!(site.broadcasts.resolve_key(&key).await, Ok(made), "an encoder that tries again gets the same");

        let epoch = site.broadcasts.begin_epoch(made).await.unwrap();
        site.broadcasts.stream_arrived(made, epoch).await;
        let (ready, _) = site.broadcasts.create(MINA, draft("next")).await.unwrap();
        assert_eq!(site.broadcasts.resolve_key(&key).await, Ok(made), "on air comes before ready");
        site.broadcasts.command(&identity(MINA), made, Command::Pause).await.unwrap();
        assert_eq!(site.broadcasts.resolve_key(&key).await, Ok(made), "paused is on air");
        site.broadcasts.command(&identity(MINA), made, Command::End).await.unwrap();
        assert_eq!(site.broadcasts.resolve_key(&key).await, Ok(ready.id));
        site.broadcasts.command(&identity(MINA), ready.id, Command::End).await.unwrap();
        site.clock.advance(60_000);
        let another = site.broadcasts.resolve_key(&key).await.unwrap();
        assert!(another != made && another != ready.id);
    }
}

#[tokio::test]
async fn an_encoder_that_goes_on_after_the_end_begins_no_new_show() {
    let refused =
        Err(PublishRefused::NotNow("The show was ended; stop the encoder before you start the next one.".into()));
    for site in sites().await {
        let key = site.channels.rotate_key(MINA).await.unwrap();
        let publish = async || {
            let id = site.broadcasts.resolve_key(&key).await.unwrap();
            let epoch = site.broadcasts.begin_epoch(id).await.unwrap();
            site.broadcasts.stream_arrived(id, epoch).await;
            (id, epoch)
        };
        let end = async |id| site.broadcasts.command(&identity(MINA), id, Command::End).await.unwrap();

        let (first, epoch) = publish().await;
        end(first).await;
        site.broadcasts.stream_interrupted(first, epoch).await;
        // As OBS does it: each pause half as long again as the one before.
        for pause_ms in [2_000, 3_000, 4_500, 10_000, 15_000, 22_500, 34_000, 51_000, 76_000, 114_000, 170_000] {
            site.clock.advance(pause_ms);
            assert_eq!(site.broadcasts.resolve_key(&key).await, refused, "{} {pause_ms}", site.database.engine);
        }
        // The host makes the next show: the encoder may publish at once.
        let (second, _) = site.broadcasts.create(MINA, draft("the next one")).await.unwrap();
        let (published, epoch) = publish().await;
        assert_eq!(published, second.id);

        // The encoder is stopped before the end: whoever comes then, comes by intent.
        site.broadcasts.stream_interrupted(second.id, epoch).await;
        end(second.id).await;
        let (third, _) = publish().await;
        assert!(third != first && third != second.id);

        // The encoder is stopped after the end: a minute later the key opens something new, and not before.
        end(third).await;
        site.clock.advance(59_999);
        assert_eq!(site.broadcasts.resolve_key(&key).await, refused);
        site.clock.advance(119_997);
        assert_eq!(site.broadcasts.resolve_key(&key).await, refused, "the refusal before holds for twice its pause");
        site.clock.advance(30 * 60_000);
        let (fourth, _) = publish().await;
        assert!(fourth != third);

        // A process that begins anew, as any other one, knows the end from the store, and what was refused since.
        end(fourth).await;
        let site = site.killed_and_started_again();
        site.clock.advance(59_999);
        assert_eq!(site.broadcasts.resolve_key(&key).await, refused);
        let site = site.killed_and_started_again();
        site.clock.advance(119_997);
        assert_eq!(site.broadcasts.resolve_key(&key).await, refused);
        site.clock.advance(30 * 60_000);
        assert!(site.broadcasts.resolve_key(&site.channels.rotate_key(JUNO).await.unwrap()).await.is_ok());
    }
}

#[tokio::test]
async fn two_encoders_with_one_lasting_key_make_one_broadcast() {
    for site in sites().await {
        let key = site.channels.rotate_key(MINA).await.unwrap();
        let tries = (0..8).map(|_| {
            let (broadcasts, key) = (site.broadcasts.clone(), key.clone());
            tokio::spawn(async move { broadcasts.resolve_key(&key).await.unwrap() })
        });
        let mut opened = Vec::new();
        for each in tries.collect::<Vec<_>>() {
            opened.push(each.await.unwrap());
        }
        opened.dedup();
        assert_eq!(opened.len(), 1, "{}", site.database.engine);
    }
}

#[tokio::test]
async fn broadcasts_are_limited_in_number_and_in_time_and_the_limit_is_named() {
    let settings = Settings { open_broadcasts_max: 3, broadcast_rate: "5/h".parse().unwrap(), ..Settings::default() };
    for site in sites_with(settings).await {
        let tries = (0..8).map(|_| {
            let broadcasts = site.broadcasts.clone();
            tokio::spawn(async move { broadcasts.create(MINA, draft("one of many")).await })
        });
        let mut made = Vec::new();
        for each in tries.collect::<Vec<_>>() {
            match each.await.unwrap() {
                Ok((broadcast, _)) => made.push(broadcast.id),
                Err(error) => assert!(matches!(error, Error::TooManyOpen(3)), "{error}"),
            }
        }
        assert_eq!(made.len(), 3, "{}", site.database.engine);
        let key = site.channels.rotate_key(MINA).await.unwrap();
        for id in &made {
            site.broadcasts.command(&identity(MINA), *id, Command::End).await.unwrap();
        }
        site.clock.advance(60_000);
        for _ in 0..2 {
            site.broadcasts.create(MINA, draft("more")).await.unwrap();
        }
        let refused = site.broadcasts.create(MINA, draft("too often")).await;
        assert!(matches!(refused, Err(Error::TooOften { retry_after_s: 3_540, .. })), "{refused:?}");
        let open = site.broadcasts.resolve_key(&key).await.unwrap();
        assert_eq!(site.seen(open).await.life.state, BroadcastState::Ready);
        site.clock.advance(3_540_000);
        site.broadcasts.create(MINA, draft("an hour later")).await.unwrap();
        site.broadcasts.create(JUNO, draft("somebody else")).await.unwrap();
    }
}

#[tokio::test]
async fn where_no_new_broadcasts_are_taken_those_that_are_there_go_on() {
    let settings = Settings::default();
    for site in sites_with(settings.clone()).await {
        let (open, own_key) = site.broadcasts.create(MINA, draft("one")).await.unwrap();
        let (minas, junos) =
            (site.channels.rotate_key(MINA).await.unwrap(), site.channels.rotate_key(JUNO).await.unwrap());
        settings.new_broadcasts.set(false);
        assert!(matches!(site.broadcasts.create(MINA, draft("two")).await, Err(Error::Closed)));
        let refused = PublishRefused::NotNow("New broadcasts cannot be created here at present.".into());
        assert_eq!(site.broadcasts.resolve_key(&junos).await, Err(refused));
        assert_eq!(site.broadcasts.resolve_key(&minas).await, Ok(open.id));
        assert_eq!(site.broadcasts.resolve_key(&own_key).await, Ok(open.id));
        settings.new_broadcasts.set(true);
        assert!(site.broadcasts.resolve_key(&junos).await.is_ok());
    }
}
