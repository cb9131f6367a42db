//! A connection's life as one future: it comes in, and is served. There is one for each that is open, so it holds one pointer
//! at a time.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use rest::Serving;

/// Admits a connection by `F`, whose room is given back before what was found out serves it.
pub(crate) enum Visit<F> {
    Coming(Pin<Box<F>>),
    Served(Serving),
}

impl<F: Future<Output = Option<Serving>>> Visit<F> {
    pub(crate) fn of(admission: F) -> Self {
        Self::Coming(Box::pin(admission))
    }
}

impl<F: Future<Output = Option<Serving>>> Future for Visit<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut *self {
                Self::Served(serving) => return serving.as_mut().poll(context),
                Self::Coming(admission) => match ready!(admission.as_mut().poll(context)) {
                    Some(serving) => *self = Self::Served(serving),
                    None => return Poll::Ready(()),
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_no_more_than_a_pointer_and_who_comes_does_not_keep_its_room() {
        assert_eq!(size_of::<Visit<[u8; 500]>>(), size_of::<Serving>());
        let room = std::sync::Arc::new(());
        let held = room.clone();
        let mut visit = Visit::of(async move {
            let _held = held;
            Some(Box::pin(std::future::pending()) as Serving)
        });
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(Pin::new(&mut visit).poll(&mut context).is_pending());
        assert_eq!(std::sync::Arc::strong_count(&room), 1);
        let mut visit = Visit::of(std::future::ready(None));
        assert!(Pin::new(&mut visit).poll(&mut context).is_ready());
    }
}
