//! The clients of a server, all in one thread: none is waited for, and one who says nothing, or takes nothing, makes room for
//! the next.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::time::{Duration, Instant};

use backlog_audit::report::prometheus::Exposition;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::sockopt;
use rustix::process::{Resource, getrlimit};

use super::http::{self, Answer, Reply, Wanted};
use super::names::Names;

/// So many clients at a time, and no more than a part of the files that may be open: a look needs some too.
const CLIENTS: usize = 512;
const PART: u64 = 4;
/// So many are let in before those who are in are looked after again.
const LET_IN: usize = 64;
/// The kernel cuts it to net.core.somaxconn; std asks for 128.
const QUEUE: i32 = 4096;
/// How long a client may take to ask, to take the answer, and to hang up after that.
const ASKS: Duration = Duration::from_secs(2);
const TAKES: Duration = Duration::from_secs(10);
const HANGS_UP: Duration = Duration::from_secs(1);
/// How long nobody is let in where that fails, as it does with no file left to open.
const RESTS: Duration = Duration::from_millis(100);
/// Bytes that the kernel keeps for a client, each way, and bytes of answers that are kept for slow ones.
const IN_KERNEL: (usize, usize) = (16 << 10, 128 << 10);
const KEPT: usize = 64 << 20;

/// The metrics in a form, or why there are none.
pub(super) type Granted = (Exposition, Result<Arc<str>, String>);

/// Where the metrics are asked for, and where they come back.
pub(super) struct Looks {
    pub(super) wish: Sender<Exposition>,
    pub(super) granted: Receiver<Granted>,
    /// A byte comes with each.
    pub(super) bell: UnixStream,
}

/// Whoever is there, the longest one first.
pub(super) struct Clients {
    listener: TcpListener,
    names: Names,
    looks: Looks,
    /// The forms that have been asked for and are not there yet.
    wished: Vec<Exposition>,
    all: VecDeque<Client>,
    most: usize,
    rests_until: Option<Instant>,
}

struct Client {
    stream: TcpStream,
    state: State,
    /// Nobody is kept longer than that. Who waits for a look is kept until it is there.
    until: Option<Instant>,
}

enum State {
    /// The head as far as it has come.
    Asking(Vec<u8>),
    Waiting(Wanted),
    Taking(Answer),
    /// All is said. Were it closed now, what the client sent and nobody read would reset the connection, and the answer might
    /// be lost with it.
    Leaving,
}

impl Clients {
    pub(super) fn of(listener: TcpListener, names: Names, looks: Looks) -> io::Result<Self> {
        // As long a queue as the kernel gives: who floods it must not keep the others out.
        rustix::net::listen(&listener, QUEUE)?;
        listener.set_nonblocking(true)?;
        looks.bell.set_nonblocking(true)?;
        // Those who are let in have what the listener has.
        sockopt::set_socket_recv_buffer_size(&listener, IN_KERNEL.0)?;
        sockopt::set_socket_send_buffer_size(&listener, IN_KERNEL.1)?;
        let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let most = usize::try_from(files / PART).unwrap_or(CLIENTS).clamp(1, CLIENTS);
        let (wished, all) = (Vec::new(), VecDeque::new());
        Ok(Self { listener, names, looks, wished, all, most, rests_until: None })
    }

    /// Serves for ever.
    pub(super) fn serve(mut self) -> io::Result<()> {
        loop {
            self.turn()?;
        }
    }

    /// Looks after all for whom something has happened, then lets new ones in.
    fn turn(&mut self) -> io::Result<()> {
        let Some((rings, knocks, ready)) = self.wait()? else { return Ok(()) };
        let now = Instant::now();
        let mut kept = VecDeque::with_capacity(self.all.len());
        for (mut client, ready) in std::mem::take(&mut self.all).into_iter().zip(ready) {
            let is_late = client.until.is_some_and(|until| until <= now);
            if !is_late && (ready.is_empty() || self.go_on(&mut client, ready)) {
                kept.push_back(client);
            }
        }
        self.all = kept;
        // Behind them: who goes here would shift what each is ready for.
        if rings {
            self.hand_out()?;
        }
        if knocks {
            self.let_in();
        }
        Ok(())
    }

    /// Waits until something happens: whether the bell rings, whether somebody wants to come in, and what each client is
    /// ready for. Nothing where a signal came between.
    fn wait(&self) -> io::Result<Option<(bool, bool, Vec<PollFlags>)>> {
        let now = Instant::now();
        let rests = self.rests_until.filter(|until| *until > now);
        let is_open = rests.is_none() && (self.all.len() < self.most || self.dispensable().is_some());
        let mut fds = vec![
            PollFd::new(&self.looks.bell, PollFlags::IN),
            PollFd::new(&self.listener, if is_open { PollFlags::IN } else { PollFlags::empty() }),
        ];
        fds.extend(self.all.iter().map(|client| PollFd::new(&client.stream, client.waits_for())));
        let first = self.all.iter().filter_map(|client| client.until).chain(rests).min();
        let left = first.map(|first| first.saturating_duration_since(now) + Duration::from_millis(1));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut fds, left.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR | Errno::AGAIN | Errno::NOMEM) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let mut ready = fds.iter().map(PollFd::revents);
        let (bell, listener) = (ready.next(), ready.next());
        let rings = bell.is_some_and(|it| !it.is_empty());
        let knocks = is_open && listener.is_some_and(|it| !it.is_empty());
        Ok(Some((rings, knocks, ready.collect())))
    }

    /// One client as far as he is ready; whether he stays.
    fn go_on(&mut self, client: &mut Client, ready: PollFlags) -> bool {
        let done = match &mut client.state {
            // Nothing was to be heard of him but that he has gone.
            State::Waiting(_) => return !ready.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL),
            State::Asking(_) => client.ask(&self.names),
            State::Taking(_) => client.take(),
            State::Leaving => client.leave(),
        };
        if let State::Waiting(wanted) = &client.state {
            self.wish(wanted.form);
        }
        done.unwrap_or(false)
    }

    /// Asks for metrics, if nobody has.
    fn wish(&mut self, form: Exposition) {
        if !self.wished.contains(&form) {
            self.wished.push(form);
            // Where nobody looks any more, the bell rings.
            let _ = self.looks.wish.send(form);
        }
    }

    /// Gives what has come to all who wait for it.
    fn hand_out(&mut self) -> io::Result<()> {
        while matches!(self.looks.bell.read(&mut [0; 64]), Ok(1..)) {}
        loop {
            let (form, text) = match self.looks.granted.try_recv() {
                Ok(granted) => granted,
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    return Err(io::Error::other("the thread that measures has ended"));
                }
            };
            self.wished.retain(|wished| *wished != form);
            self.all.retain_mut(|client| match client.state {
                State::Waiting(wanted) if wanted.form == form => {
                    client.is_given(Answer::metrics(wanted, &text))
                }
                _ => true,
            });
        }
        self.forget();
        Ok(())
    }

    /// Answers are kept for those who take them slowly, but only so many: the oldest go first.
    fn forget(&mut self) {
        let mut kept: Vec<Arc<str>> = Vec::new();
        for text in self.all.iter().filter_map(Client::takes) {
            if !kept.iter().any(|known| Arc::ptr_eq(known, text)) {
                kept.push(Arc::clone(text));
            }
        }
        let mut bytes: usize = kept.iter().map(|text| text.len()).sum();
        let newest = kept.len().saturating_sub(1);
        for text in kept.iter().take(newest) {
            if bytes <= KEPT {
                return;
            }
            bytes -= text.len();
            self.all.retain(|client| !client.takes().is_some_and(|taken| Arc::ptr_eq(taken, text)));
        }
    }

    fn let_in(&mut self) {
        for _ in 0..LET_IN {
            if self.all.len() >= self.most && !self.make_room() {
                return;
            }
            match self.listener.accept() {
                Ok((stream, _)) => self.welcome(stream),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // A client who has gone already.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(error) if is_starved(&error) && self.make_room() => {}
                Err(_) => {
                    self.rests_until = Some(Instant::now() + RESTS);
                    return;
                }
            }
        }
    }

    /// Most have asked by the time that they are let in.
    fn welcome(&mut self, stream: TcpStream) {
        // The head goes out by itself; the rest must not wait until that has arrived.
        if stream.set_nonblocking(true).is_err() || stream.set_nodelay(true).is_err() {
            return;
        }
        let mut client =
            Client { stream, state: State::Asking(Vec::new()), until: Some(Instant::now() + ASKS) };
        if self.go_on(&mut client, PollFlags::IN) {
            self.all.push_back(client);
        }
    }

    /// Whether there is room for one more, because somebody had to go.
    fn make_room(&mut self) -> bool {
        self.dispensable().is_some_and(|at| self.all.remove(at).is_some())
    }

    /// Who goes first where somebody must: who has got everything, then who has not asked, then who takes too long.
    fn dispensable(&self) -> Option<usize> {
        let first = |is: fn(&State) -> bool| self.all.iter().position(|client| is(&client.state));
        first(|state| matches!(state, State::Leaving))
            .or_else(|| first(|state| matches!(state, State::Asking(_))))
            .or_else(|| first(|state| matches!(state, State::Taking(_))))
    }
}

impl Client {
    fn waits_for(&self) -> PollFlags {
        match self.state {
            State::Asking(_) | State::Leaving => PollFlags::IN,
            State::Taking(_) => PollFlags::OUT,
            State::Waiting(_) => PollFlags::empty(),
        }
    }

    fn takes(&self) -> Option<&Arc<str>> {
        match &self.state {
            State::Taking(answer) => Some(answer.body()),
            _ => None,
        }
    }

    /// Reads what has come of a head, and does what it says; whether the client stays.
    fn ask(&mut self, names: &Names) -> io::Result<bool> {
        let State::Asking(head) = &mut self.state else { return Ok(true) };
        let mut piece = [0; 1024];
        let reply = loop {
            let count = match self.stream.read(&mut piece) {
                Ok(0) => return Ok(false),
                Err(error) => return is_later(error),
                Ok(count) => count,
            };
            head.extend_from_slice(piece.get(..count).unwrap_or_default());
            if let Some(reply) = http::reply(head, names) {
                break reply;
            }
        };
        match reply {
            Reply::Now(answer) => Ok(self.is_given(answer)),
            Reply::Metrics(wanted) => {
                (self.state, self.until) = (State::Waiting(wanted), None);
                Ok(true)
            }
        }
    }

    fn is_given(&mut self, answer: Answer) -> bool {
        (self.state, self.until) = (State::Taking(answer), Some(Instant::now() + TAKES));
        self.take().unwrap_or(false)
    }

    /// Writes as much as the client takes.
    fn take(&mut self) -> io::Result<bool> {
        let State::Taking(answer) = &mut self.state else { return Ok(true) };
        if answer.write(&mut self.stream)? {
            self.stream.shutdown(Shutdown::Write)?;
            (self.state, self.until) = (State::Leaving, Some(Instant::now() + HANGS_UP));
        }
        Ok(true)
    }

    /// Reads what nobody asked for, until the client has gone.
    fn leave(&mut self) -> io::Result<bool> {
        let mut piece = [0; 4096];
        for _ in 0..16 {
            match self.stream.read(&mut piece) {
                Ok(0) => return Ok(false),
                Ok(_) => {}
                Err(error) => return is_later(error),
            }
        }
        Ok(true)
    }
}

/// What is not there yet is no fault.
fn is_later(error: io::Error) -> io::Result<bool> {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(true),
        _ => Err(error),
    }
}

/// Whether there is no file or no memory left for a connection.
fn is_starved(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::SocketAddr;
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;

    /// What clients ask for, what they are given, and their bell.
    type Behind = (Receiver<Exposition>, Sender<Granted>, UnixStream);

    fn clients() -> (SocketAddr, Clients, Behind) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (wish, wishes) = channel();
        let (give, granted) = channel();
        let (bell, ring) = UnixStream::pair().unwrap();
        let clients = Clients::of(listener, Names::of_machine(&[]), Looks { wish, granted, bell }).unwrap();
        (address, clients, (wishes, give, ring))
    }

    /// A server whose looks are this long, and end after so many.
    fn serve(text: &str, looks: usize) -> (SocketAddr, thread::JoinHandle<io::Result<()>>) {
        let (address, clients, (wishes, give, mut ring)) = clients();
        let text: Arc<str> = text.into();
        thread::spawn(move || {
            for form in wishes.iter().take(looks) {
                give.send((form, Ok(Arc::clone(&text)))).unwrap();
                ring.write_all(b"!").unwrap();
            }
        });
        (address, thread::spawn(|| clients.serve()))
    }

    #[test]
    fn who_goes_takes_nobody_along() {
        let (address, mut clients, (_wishes, give, mut ring)) = clients();
        let mut come = |form: &str| {
            let mut stream = TcpStream::connect(address).unwrap();
            write!(stream, "GET /metrics HTTP/1.0\r\nAccept: {form}\r\n\r\n").unwrap();
            let waits = |client: &Client| matches!(client.state, State::Waiting(_));
            let before = clients.all.len();
            while clients.all.iter().filter(|it| waits(it)).count() == before {
                clients.turn().unwrap();
            }
            stream
        };
        let (first, _second) = (come("text/plain"), come("application/openmetrics-text; version=1.0.0"));
        // His connection is reset, and at the same time there is what he asked for.
        sockopt::set_socket_linger(&first, Some(Duration::ZERO)).unwrap();
        drop(first);
        give.send((Exposition::Text, Ok("x 1\n".into()))).unwrap();
        ring.write_all(b"!").unwrap();
        clients.turn().unwrap();
        let left: Vec<_> = clients.all.iter().map(|it| matches!(it.state, State::Waiting(_))).collect();
        assert_eq!(left, [true], "who waits for another form stays");
    }

    #[test]
    fn a_slow_client_is_left_and_a_chatty_one_is_answered() {
        let (address, _) = serve(&"x 1\n".repeat(1 << 16), usize::MAX);
        let mut slow = TcpStream::connect(address).unwrap();
        slow.set_nonblocking(true).unwrap();
        let began = Instant::now();
        // A letter from time to time must not buy more time.
        while !matches!(slow.read(&mut [0]), Ok(0)) && began.elapsed() < 15 * ASKS {
            drop(slow.write_all(b"G"));
            thread::sleep(ASKS / 20);
        }
        let took = began.elapsed();
        assert!(took > ASKS / 2 && took < 15 * ASKS, "{took:?}");
        let mut chatty = TcpStream::connect(address).unwrap();
        let body = "b".repeat(1 << 16);
        write!(chatty, "GET /metrics HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        let mut all = String::new();
        chatty.read_to_string(&mut all).unwrap();
        assert!(all.len() > 4 << 16 && all.ends_with("x 1\n"), "{}", all.len());
    }

    #[test]
    fn a_look_that_ends_for_ever_ends_the_server() {
        let (address, server) = serve("x 1\n", 1);
        let ask = || {
            let mut stream = TcpStream::connect(address).unwrap();
            write!(stream, "GET /metrics HTTP/1.0\r\n\r\n").unwrap();
            let mut all = String::new();
            drop(stream.read_to_string(&mut all));
            all
        };
        assert!(ask().ends_with("x 1\n"));
        assert!(server.join().unwrap().unwrap_err().to_string().contains("measures has ended"));
    }
}
