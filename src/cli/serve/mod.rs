//! Answers a Prometheus scraper: each scrape is one look at the machine, beside its files as they were within the last
//! minutes.

mod http;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use backlog_audit::live::Machine;
use backlog_audit::model::Owner;
use backlog_audit::report::Report;
use backlog_audit::report::prometheus::{self, Exposition};
use backlog_audit::{Audited, Request};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::View;
use super::door::{Door, Failure, reason};

/// So many clients are answered at a time; the others wait in the queue.
const WORKERS: usize = 8;
/// A look that is not older answers the next scraper too.
const FRESH: Duration = Duration::from_secs(1);
/// Files that were read longer ago are read anew once somebody asks.
const FILES_LAST: Duration = Duration::from_secs(60);

/// Serves until SIGINT or SIGTERM.
pub(crate) fn until_signal(
    address: SocketAddr,
    window: Duration,
    request: &Request,
    view: &View,
) -> Result<ExitCode, Failure> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let listener = TcpListener::bind(address).map_err(|error| unbound(address, &error))?;
    let address = listener.local_addr()?;
    let (ask, asked) = sync_channel(0);
    let files = Arc::new(Files::read(request, ask)?);
    let mut looker = Looker::open(window, Arc::clone(&files))?;
    let door = Door::error(view);
    thread::spawn(move || asked.iter().for_each(|()| files.read_anew(&door)));
    let (wish, wishes) = channel::<Wish>();
    thread::spawn(move || wishes.iter().for_each(|wish| wish.grant(&mut looker)));
    let listener = Arc::new(listener);
    for _ in 0..WORKERS {
        let (listener, wish) = (Arc::clone(&listener), wish.clone());
        thread::spawn(move || answer(&listener, &wish));
    }
    Door::error(view).put(format!("Serving http://{address}/metrics until a signal comes.\n").as_bytes())?;
    signals.forever().next();
    Ok(ExitCode::SUCCESS)
}

/// Why nothing can be served there, and what to do.
fn unbound(address: SocketAddr, error: &io::Error) -> Failure {
    let failure = |why: &str| Failure::from(format!("cannot serve on {address}: {why}"));
    let (host, port) = (address.ip(), address.port());
    match error.kind() {
        io::ErrorKind::AddrInUse => failure("something listens there already").with_tip(format!(
            "ss -lntp 'sport = :{port}' shows what; another port is chosen by --serve {}",
            SocketAddr::new(host, port.checked_add(1).unwrap_or(9798))
        )),
        io::ErrorKind::AddrNotAvailable => failure("the address is none of this machine's")
            .with_tip("ip address shows those that are; --serve without an address takes 127.0.0.1:9798"),
        io::ErrorKind::PermissionDenied => failure("only root may take that port")
            .with_tip(format!("a port from 1024 on is free to all: --serve {}", SocketAddr::new(host, 9798))),
        _ => failure(&reason(error)),
    }
}

/// Answers one client after another.
fn answer(listener: &TcpListener, wish: &Sender<Wish>) {
    loop {
        match listener.accept() {
            Ok((stream, _)) => http::answer(&stream, |form| Wish::make(wish, form)),
            // With no file left to open, the client stays in the queue: it must not be asked for without pause.
            Err(_) => thread::sleep(Duration::from_millis(100)),
        }
    }
}

/// A client waits for the metrics in this form.
struct Wish {
    form: Exposition,
    reply: SyncSender<io::Result<String>>,
}

impl Wish {
    /// Waits until it is granted.
    fn make(to: &Sender<Wish>, form: Exposition) -> io::Result<String> {
        let gone = || io::Error::other("the thread that looks has ended");
        let (reply, granted) = sync_channel(1);
        to.send(Wish { form, reply }).map_err(|_| gone())?;
        granted.recv().map_err(|_| gone())?
    }

    /// A client who has gone meanwhile needs none.
    fn grant(self, looker: &mut Looker) {
        let _ = self.reply.send(looker.text(self.form));
    }
}

/// Looks at the machine for everybody. It has a thread to itself, so that there is one look at a time, and what a look
/// needs of memory is needed once.
struct Looker {
    machine: Machine,
    window: Duration,
    files: Arc<Files>,
    last: Option<(Instant, Report)>,
}

impl Looker {
    /// The first look is taken now, so that the first scrape can say what has moved since.
    fn open(window: Duration, files: Arc<Files>) -> io::Result<Self> {
        let mut machine = Machine::open()?;
        machine.look(Duration::ZERO)?;
        machine.rest();
        Ok(Self { machine, window, files, last: None })
    }

    fn text(&mut self, form: Exposition) -> io::Result<String> {
        Ok(prometheus::render(self.report()?, form))
    }

    fn report(&mut self) -> io::Result<&Report> {
        let (at, report) = match self.last.take().filter(|(at, _)| at.elapsed() < FRESH) {
            Some(last) => last,
            None => {
                let mut running = self.machine.look(self.window)?;
                self.machine.rest();
                let own = |owner: &Owner| owner.pid == std::process::id();
                running.sockets.retain(|socket| !socket.owner.as_deref().is_some_and(own));
                (Instant::now(), self.files.audited().judge(Some(running)))
            }
        };
        let (_, report) = self.last.insert((at, report));
        Ok(report)
    }
}

/// The files' side of what is judged.
struct Files {
    request: Request,
    read: Mutex<(Instant, Audited)>,
    /// Tells the reader that they are old; only one that is idle hears it.
    ask: SyncSender<()>,
}

impl Files {
    fn read(request: &Request, ask: SyncSender<()>) -> Result<Self, Failure> {
        let audited = backlog_audit::read(request)?;
        Ok(Self { request: request.clone(), read: Mutex::new((Instant::now(), audited)), ask })
    }

    /// The files as they were read last; if that is long ago, they are read anew for the next scrape.
    fn audited(&self) -> Audited {
        let read = lock(&self.read);
        if read.0.elapsed() > FILES_LAST {
            let _ = self.ask.try_send(());
        }
        read.1.clone()
    }

    /// What they said before stays if they cannot be read.
    fn read_anew(&self, door: &Door) {
        match backlog_audit::read(&self.request) {
            Ok(audited) => *lock(&self.read) = (Instant::now(), audited),
            Err(error) => {
                lock(&self.read).0 = Instant::now();
                door.tell(&Failure::from(error));
            }
        }
    }
}

/// What a thread that failed has left behind is whole: nothing is changed in parts.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::Colour;
    use super::*;

    #[test]
    fn what_cannot_be_served_says_what_to_type() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        for (kind, words) in [
            (io::ErrorKind::AddrInUse, format!("sport = :{}", taken.port())),
            (io::ErrorKind::AddrNotAvailable, "ip address".to_owned()),
            (io::ErrorKind::PermissionDenied, "127.0.0.1:9798".to_owned()),
        ] {
            let shown = unbound(taken, &kind.into()).show(&backlog_audit::report::Screen::plain());
            assert!(shown.contains(&taken.to_string()) && shown.contains(&words), "{shown}");
        }
    }

    fn small() -> (tempfile::TempDir, Request) {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("etc")).unwrap();
        let request = Request { paths: vec![root.path().to_owned()], offline: true, ..Request::default() };
        (root, request)
    }

    #[test]
    fn scrapers_at_the_same_time_share_a_look() {
        let (_root, request) = small();
        let files = Arc::new(Files::read(&request, sync_channel(0).0).unwrap());
        let mut looker = Looker::open(Duration::ZERO, files).unwrap();
        let (wish, wishes) = channel::<Wish>();
        let looked = thread::scope(|scope| {
            let clients: Vec<_> = [Exposition::Text, Exposition::OpenMetrics, Exposition::Text]
                .into_iter()
                .map(|form| (wish.clone(), form))
                .map(|(wish, form)| scope.spawn(move || Wish::make(&wish, form).unwrap()))
                .collect();
            drop(wish);
            let mut looked = Vec::new();
            for wish in wishes {
                wish.grant(&mut looker);
                looked.push(looker.last.as_ref().unwrap().0);
            }
            for text in clients.into_iter().map(|client| client.join().unwrap()) {
                assert!(text.contains("_namespace_info{namespace=\"host\",kind=\"host\"} 1\n"), "{text}");
            }
            looked
        });
        assert_eq!(looked, [looked[0]; 3]);
        looker.last.as_mut().unwrap().0 -= FRESH;
        looker.report().unwrap();
        assert!(looker.last.unwrap().0 > looked[0], "that one was old");
    }

    #[test]
    fn files_are_read_anew_when_they_are_old() {
        let (root, request) = small();
        let (ask, asked) = sync_channel(1);
        let files = Files::read(&request, ask).unwrap();
        assert_eq!(files.audited().host.listeners.len(), 0);
        assert!(asked.try_recv().is_err(), "they are fresh");
        let nginx = root.path().join("etc/nginx");
        std::fs::create_dir(&nginx).unwrap();
        std::fs::write(nginx.join("nginx.conf"), "events {}\nhttp { server { listen 80; } }\n").unwrap();
        lock(&files.read).0 -= FILES_LAST + Duration::from_secs(1);
        assert_eq!(files.audited().host.listeners.len(), 0, "what is known answers at once");
        assert!(asked.try_recv().is_ok());
        let door = Door::error(&View { color: Colour::Never, quiet: false, verbose: false });
        files.read_anew(&door);
        assert_eq!(files.audited().host.listeners.len(), 1);
        assert!(asked.try_recv().is_err(), "they are fresh again");
        drop(root);
        files.read_anew(&door);
        assert_eq!(files.audited().host.listeners.len(), 1, "better than nothing");
    }
}
