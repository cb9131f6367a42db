//! News are written by whoever brings them, or else by the connection's own task: the gateway's `hub::Channel`,
//! `hub::Member`, and `Connection` with what is not about this left out.

use std::task::{Context, Poll, Waker};

use doorbell::{Doorbell, Errand};
use loom::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use crate::{check, task::Task};

const NEWS: u8 = 1;

/// A channel with one subscriber.
struct Channel {
    next: AtomicU32,
    dirty: Errand,
    subscriber: Member,
}

struct Member {
    bell: Doorbell,
    connection: Mutex<Connection>,
}

/// Behind the lock: whoever writes holds it.
struct Connection {
    cursor: u32,
    unsent: u32,
    socket: Arc<Mutex<Socket>>,
}

/// The kernel's side.
struct Socket {
    room: u32,
    taken: u32,
    writer: Option<Waker>,
}

impl Channel {
    fn new(room: u32) -> Self {
        let socket = Arc::new(Mutex::new(Socket { room, taken: 0, writer: None }));
        let connection = Mutex::new(Connection { cursor: 0, unsent: 0, socket });
        let subscriber = Member { bell: Doorbell::default(), connection };
        Self { next: AtomicU32::new(0), dirty: Errand::default(), subscriber }
    }

    fn publish(&self) {
        self.next.fetch_add(1, Ordering::Release);
        if self.dirty.take_on() {
            self.dirty.put_down();
            self.subscriber.tell_news(self);
        }
    }

    /// What the connection's task does when it is polled.
    fn poll(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut connection = self.subscriber.connection.lock().unwrap();
        loop {
            connection.look(self);
            if self.subscriber.bell.poll_answer(context).is_ready() {
                continue;
            }
            if connection.poll_send(context).is_pending() || connection.cursor == self.next.load(Ordering::Acquire) {
                return Poll::Pending;
            }
        }
    }

    fn socket(&self) -> Arc<Mutex<Socket>> {
        self.subscriber.connection.lock().unwrap().socket.clone()
    }

    fn taken(&self) -> u32 {
        self.socket().lock().unwrap().taken
    }
}

impl Member {
    fn tell_news(&self, channel: &Channel) {
        let handed_out = self.connection.try_lock().is_ok_and(|mut connection| connection.hand_out(channel));
        if !handed_out {
            self.bell.ring(NEWS);
        }
    }
}

impl Connection {
    /// True: nothing is left to do, or the task is woken anyway.
    fn hand_out(&mut self, channel: &Channel) -> bool {
        if self.unsent > 0 {
            return true;
        }
        self.look(channel);
        self.send()
    }

    fn look(&mut self, channel: &Channel) {
        let next = channel.next.load(Ordering::Acquire);
        self.unsent += next - self.cursor;
        self.cursor = next;
    }

    /// Sends what the kernel takes now; whether that was all.
    fn send(&mut self) -> bool {
        let mut socket = self.socket.lock().unwrap();
        let now = self.unsent.min(socket.room);
        socket.room -= now;
        socket.taken += now;
        self.unsent -= now;
        self.unsent == 0
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.send() {
                return Poll::Ready(());
            }
            let mut socket = self.socket.lock().unwrap();
            if socket.room == 0 {
                socket.writer = Some(context.waker().clone());
                return Poll::Pending;
            }
        }
    }
}

impl Socket {
    /// The peer reads.
    fn drain(&mut self) {
        self.room += 1;
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
    }
}

#[test]
fn what_several_publish_is_sent_whoever_finds_the_connection_busy() {
    check(|| {
        let channel = Arc::new(Channel::new(9));
        let task = Task::new();
        let publishers = [(); 2].map(|()| {
            let channel = channel.clone();
            thread::spawn(move || channel.publish())
        });
        task.run(|context| channel.poll(context));
        publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
        while task.run(|context| channel.poll(context)) {}
        assert_eq!(channel.taken(), 2, "something was published, and everybody sleeps");
    });
}

#[test]
fn what_a_full_socket_did_not_take_is_sent_when_it_does() {
    check(|| {
        let channel = Arc::new(Channel::new(1));
        let task = Task::new();
        let publisher = {
            let channel = channel.clone();
            thread::spawn(move || {
                channel.publish();
                channel.publish();
            })
        };
        let peer = {
            let socket = channel.socket();
            thread::spawn(move || socket.lock().unwrap().drain())
        };
        task.run(|context| channel.poll(context));
        publisher.join().unwrap();
        peer.join().unwrap();
        while task.run(|context| channel.poll(context)) {}
        assert_eq!(channel.taken(), 2, "something was not sent, and everybody sleeps");
    });
}
