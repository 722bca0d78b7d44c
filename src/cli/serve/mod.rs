//! Answers a Prometheus scraper: each scrape is one look at the machine, beside its files as they were within the last
//! minutes.

mod clients;
mod http;
mod names;

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::mpsc::{SyncSender, channel, sync_channel};
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

use self::clients::{Clients, Looks};
use self::names::Names;
use super::View;
use super::door::{Door, Failure, reason};

/// A look that is not older answers the next scraper too.
const FRESH: Duration = Duration::from_secs(1);
/// Files that were read longer ago are read anew once somebody asks.
const FILES_LAST: Duration = Duration::from_secs(60);

/// Serves until SIGINT or SIGTERM.
pub(crate) fn until_signal(
    address: SocketAddr,
    names: &[String],
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
    let (wish, wishes) = channel();
    let (give, granted) = channel();
    let (bell, mut ring) = UnixStream::pair()?;
    let clients = Clients::of(listener, Names::of_machine(names), Looks { wish, granted, bell })?;
    thread::spawn(move || {
        for form in wishes {
            let text = looker.text(form).map_err(|error| error.to_string());
            // Where nobody listens any more, the program ends.
            if give.send((form, text)).is_err() || ring.write_all(b"!").is_err() {
                return;
            }
        }
    });
    let ending = signals.handle();
    let server = thread::spawn(move || {
        let ended = clients.serve();
        ending.close();
        ended
    });
    Door::error(view)
        .put(format!("Serving http://{address}/metrics until stopped (Ctrl-C).\n").as_bytes())?;
    match signals.forever().next() {
        Some(_) => Ok(ExitCode::SUCCESS),
        None => Err(server.join().ok().and_then(Result::err).map_or_else(ended, Failure::from)),
    }
}

/// Why nothing can be served there, and what to do.
fn unbound(address: SocketAddr, error: &io::Error) -> Failure {
    let failure = |why: &str| Failure::from(format!("cannot serve on {address}: {why}"));
    let (host, port) = (address.ip(), address.port());
    match error.kind() {
        io::ErrorKind::AddrInUse => failure("something already listens there").with_tip(format!(
            "ss -lntp 'sport = :{port}' shows what; choose another port with --serve {}",
            SocketAddr::new(host, port.checked_add(1).unwrap_or(9798))
        )),
        io::ErrorKind::AddrNotAvailable => failure("the address is not one of this machine's")
            .with_tip("ip address shows those that are; --serve without an address uses 127.0.0.1:9798"),
        io::ErrorKind::PermissionDenied => failure("only root may take that port").with_tip(format!(
            "any user may take a port from 1024 up: --serve {}",
            SocketAddr::new(host, 9798)
        )),
        _ => failure(&reason(error)),
    }
}

fn ended() -> Failure {
    Failure::from("the thread that serves has ended".to_owned())
}

/// Looks at the machine for everybody. It has a thread to itself, so that there is one look at a time, and what a look
/// needs of memory is needed once.
struct Looker {
    machine: Machine,
    window: Duration,
    files: Arc<Files>,
    last: Option<Look>,
}

/// A look, and its text in the forms that were asked for.
struct Look {
    at: Instant,
    report: Report,
    texts: Vec<(Exposition, Arc<str>)>,
}

impl Looker {
    /// The first look is taken now, so that the first scrape can say what has moved since.
    fn open(window: Duration, files: Arc<Files>) -> io::Result<Self> {
        let mut machine = Machine::open()?;
        machine.look(Duration::ZERO)?;
        machine.rest();
        Ok(Self { machine, window, files, last: None })
    }

    fn text(&mut self, form: Exposition) -> io::Result<Arc<str>> {
        let look = self.look()?;
        if let Some((_, text)) = look.texts.iter().find(|(known, _)| *known == form) {
            return Ok(Arc::clone(text));
        }
        let text: Arc<str> = prometheus::render(&look.report, form).into();
        look.texts.push((form, Arc::clone(&text)));
        Ok(text)
    }

    fn look(&mut self) -> io::Result<&mut Look> {
        let look = match self.last.take().filter(|last| last.at.elapsed() < FRESH) {
            Some(last) => last,
            None => {
                let mut running = self.machine.look(self.window)?;
                self.machine.rest();
                let own = |owner: &Owner| owner.pid == std::process::id();
                running.sockets.retain(|socket| !socket.owner.as_deref().is_some_and(own));
                let report = self.files.audited().judge(Some(running));
                Look { at: Instant::now(), report, texts: Vec::new() }
            }
        };
        Ok(self.last.insert(look))
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
        let [text, open, again] = [Exposition::Text, Exposition::OpenMetrics, Exposition::Text]
            .map(|form| looker.text(form).unwrap());
        assert!(text.contains("_namespace_info{namespace=\"host\",kind=\"host\"} 1\n"), "{text}");
        assert!(open.ends_with("# EOF\n") && Arc::ptr_eq(&text, &again));
        looker.last.as_mut().unwrap().at -= FRESH;
        assert!(!Arc::ptr_eq(&text, &looker.text(Exposition::Text).unwrap()), "that one was old");
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
