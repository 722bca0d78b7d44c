//! The screen of `watch`, drawn into a buffer: reports made by hand and keys go in, a picture comes out.
#![cfg(target_os = "linux")]

mod common;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use backlog_audit::knowledge::Knowledge;
use backlog_audit::live::watch::{App, Lines, Wanted, draw};
use backlog_audit::model::{
    Counter, Counters, Endpoint, HalfOpen, Listening, Namespace, NamespaceKind, Owner, Running, Severity,
};
use backlog_audit::report::{Report, Screen};
use backlog_audit::resolve;
use common::by_hand::ByHand;
use common::snapshot;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::{Color, Modifier};

/// A process that would like to clear the screen.
const HOSTILE: &str = "\u{1b}[2Jevil\n\u{202e}";

fn socket(address: &str, queued: u32, limit: u32, name: &str, unit: &str) -> Listening {
    let pid = 800 + u32::from(name.bytes().next().unwrap_or(0));
    let unit = (!unit.is_empty()).then(|| unit.into());
    let address = Endpoint::from(address.to_owned());
    let is_tcp = address.port().is_some();
    Listening {
        namespace: "host".into(),
        interface: None,
        mptcp: false,
        limit,
        queued,
        peak: queued,
        half_open: HalfOpen::default(),
        drops: is_tcp.then_some(0),
        dropped: is_tcp.then_some(0),
        inode: pid * 100 + limit,
        uid: 33,
        owner: Some(Arc::new(Owner {
            pid,
            name: name.into(),
            program: None,
            unit,
            container: None,
            started: None,
        })),
        address,
    }
}

/// Some of everything, as it is at a second: a full group, one that fills, idle ones, other namespaces, hostile names.
fn sockets(second: u32) -> Vec<Listening> {
    let filling = 7 * (second % 17);
    let mut all = vec![
        Listening {
            drops: Some(1000 + 42 * second),
            dropped: Some(42),
            half_open: HalfOpen { count: 31, retried: 7, peers: 12 },
            ..socket("0.0.0.0:443", 129, 128, "nginx", "nginx.service")
        },
        Listening { inode: 1, ..socket("0.0.0.0:443", 3, 128, "nginx", "nginx.service") },
        Listening { inode: 2, ..socket("0.0.0.0:443", 0, 128, "nginx", "nginx.service") },
        Listening { peak: filling + 20, ..socket("127.0.0.1:3000", filling, 128, "node", "shop.service") },
        socket("127.0.0.1:8080", 0, 100, "java", "tomcat10.service"),
        socket("[2001:db8:85a3:1234:5678:8a2e:370:7334]:8443", 1, 65535, "envoy", ""),
        socket("0.0.0.0:22", 0, 128, "sshd", "ssh.service"),
        socket("127.0.0.1:6000", 9, 10, HOSTILE, ""),
        socket("/run/php/php8.2-fpm.sock", 0, 511, "php-fpm8.2", "php8.2-fpm.service"),
        socket("/run/\u{1b}]0;owned\u{7}.sock", 4, 5, "gunicorn", "app.service"),
    ];
    let mut blue = socket("*:5432", 0, 200, "postgres", "");
    blue.namespace = "blue".into();
    Arc::make_mut(blue.owner.as_mut().unwrap()).container = Some("database".into());
    all.push(blue);
    all
}

fn namespace(name: &str, moved: &[(Counter, u64)]) -> Namespace {
    let sysctls =
        [("net.core.somaxconn", 128), ("net.ipv4.tcp_syncookies", 1), ("net.ipv4.tcp_abort_on_overflow", 0)];
    Namespace {
        name: name.into(),
        kind: NamespaceKind::Host,
        inode: 1,
        enter: String::new(),
        sysctls: sysctls.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        counters: Counters::default(),
        moved: Counters(moved.iter().copied().collect()),
    }
}

fn running(second: u32) -> Running {
    let moved = [
        (Counter::ListenOverflows, 42),
        (Counter::ListenDrops, 44),
        (Counter::SyncookiesSent, 12),
        (Counter::PassiveOpens, 310),
    ];
    Running {
        at: 1_777_644_151 + u64::from(second),
        window: if second == 0 { 0.0 } else { 1.0 },
        release: "6.1.0-18-amd64".into(),
        namespaces: vec![namespace("host", &moved), namespace("blue", &[])],
        sockets: sockets(second),
        ..Running::default()
    }
}

/// A look at a machine whose files tell of two of its listeners.
fn report(running: Running) -> Report {
    let mut by_hand = ByHand::new();
    let sysctl = by_hand.file("etc/sysctl.d/99-legacy.conf", "net.core.somaxconn = 128\n");
    by_hand.somaxconn(by_hand.at(sysctl, "128"), 128);
    let nginx = by_hand.file("etc/nginx/sites-enabled/shop", "listen 443 backlog=4096;\n");
    by_hand.clamped("nginx", "0.0.0.0:443", by_hand.at(nginx, "4096"), 4096);
    let server = by_hand.file("etc/tomcat10/server.xml", "acceptCount=\"100\"");
    by_hand.listener("tomcat", "127.0.0.1:8080", by_hand.at(server, "100"), 100);
    let at = by_hand.at(sysctl, "net");
    let help = "ask whoever runs 127.0.0.1:3000".to_owned();
    by_hand.finding("queue-filling", Severity::Info, "127.0.0.1:3000 fills", at).help = vec![help];
    let mut report = by_hand.0;
    let knowledge = Knowledge::load(&report.sources).unwrap();
    report.seen = Some(resolve::seen(&report.sources, &knowledge, &report.host, running));
    report
}

/// A screen that has been watched for so many seconds.
fn watched(seconds: u32) -> App {
    let mut app = App::new("web-3", Duration::from_secs(1));
    for second in 0..=seconds {
        app.take(report(running(second)), None);
    }
    app
}

fn coloured() -> Screen {
    Screen { colour: true, ..Screen::plain() }
}

fn drawn(app: &mut App, width: u16, height: u16, look: &Screen) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, app, look)).unwrap();
    terminal.backend().buffer().clone()
}

fn lines(buffer: &Buffer, show: impl Fn(&Cell) -> String) -> String {
    let width = usize::from(buffer.area.width);
    let rows = buffer.content.chunks(width);
    rows.map(|row| row.iter().map(&show).collect::<String>().trim_end().to_owned() + "\n").collect()
}

fn text(app: &mut App) -> String {
    lines(&drawn(app, 80, 24, &Screen::plain()), |cell| cell.symbol().to_owned())
}

fn same(name: &str, app: &mut App, (width, height): (u16, u16), look: &Screen) {
    let picture = lines(&drawn(app, width, height, look), |cell| cell.symbol().to_owned());
    snapshot::same(&Path::new("tests/screens").join(name), picture.as_bytes());
}

fn press(app: &mut App, keys: &str) {
    for key in keys.chars() {
        let code = match key {
            '\n' => KeyCode::Enter,
            '\u{1b}' => KeyCode::Esc,
            '↓' => KeyCode::Down,
            '↑' => KeyCode::Up,
            '⇞' => KeyCode::PageUp,
            '⇟' => KeyCode::PageDown,
            '⇱' => KeyCode::Home,
            '⇲' => KeyCode::End,
            '⌫' => KeyCode::Backspace,
            key => KeyCode::Char(key),
        };
        assert_eq!(app.press(KeyEvent::new(code, KeyModifiers::NONE)), Wanted::Still, "{key}");
    }
}

/// The addresses of the table, from above.
fn addresses(app: &mut App) -> Vec<String> {
    let text = text(app);
    let table = text.lines().skip_while(|line| !line.starts_with("  address")).skip(1);
    let rows = table.take_while(|line| !line.starts_with('─'));
    rows.filter_map(|row| row.get(..).and_then(|row| row.trim_start_matches('▸').split_whitespace().next()))
        .map(str::to_owned)
        .collect()
}

fn selected(app: &mut App) -> String {
    let text = text(app);
    let row = text.lines().find(|line| line.starts_with('▸')).expect("a row is selected");
    row.split_whitespace().nth(1).unwrap().to_owned()
}

#[test]
fn the_table_is_drawn_as_recorded() {
    let plain = Screen::plain();
    let ascii = Screen { unicode: false, ..plain };
    same("watch-80x24.txt", &mut watched(75), (80, 24), &plain);
    same("watch-120x40.txt", &mut watched(75), (120, 40), &plain);
    same("watch-200x20.txt", &mut watched(75), (200, 20), &plain);
    same("watch-narrow.txt", &mut watched(75), (46, 12), &plain);
    same("watch-ascii.txt", &mut watched(75), (80, 24), &ascii);
    same("watch-first-look.txt", &mut watched(0), (80, 24), &plain);
    same("watch-before.txt", &mut App::new("web-3", Duration::from_secs(1)), (80, 24), &plain);
    same("watch-too-small.txt", &mut watched(1), (30, 5), &plain);
}

#[test]
fn the_pages_are_drawn_as_recorded() {
    let mut app = watched(75);
    press(&mut app, "\n");
    same("watch-detail.txt", &mut app, (80, 40), &Screen::plain());
    press(&mut app, "?");
    same("watch-help.txt", &mut app, (80, 24), &Screen::plain());
}

#[test]
fn colour_says_what_is_full_and_nothing_else() {
    let style = |cell: &Cell| {
        let colour = match cell.fg {
            Color::Red => "r",
            Color::Yellow => "y",
            Color::Cyan => "c",
            Color::Reset => ".",
            other => panic!("{other} says nothing"),
        };
        let faint = cell.modifier.contains(Modifier::DIM) && cell.symbol() != " ";
        if faint { "-".to_owned() } else { colour.to_owned() }
    };
    let picture = lines(&drawn(&mut watched(75), 80, 24, &coloured()), style);
    snapshot::same(Path::new("tests/screens/watch-colours.txt"), picture.as_bytes());
    let buffer = drawn(&mut watched(75), 80, 24, &Screen::plain());
    let is_plain = |cell: &Cell| cell.fg == Color::Reset && cell.bg == Color::Reset;
    assert!(buffer.content.iter().all(is_plain));
}

#[test]
fn ascii_is_ascii_and_no_name_reaches_the_terminal_unescaped() {
    let ascii = Screen { unicode: false, ..Screen::plain() };
    for keys in ["", "u", "\n", "?", "/evil\n\n", "/owned\n\n"] {
        let mut app = watched(3);
        press(&mut app, keys);
        let picture = lines(&drawn(&mut app, 200, 50, &ascii), |cell| cell.symbol().to_owned());
        assert!(picture.is_ascii(), "{picture}");
        assert!(!picture.contains('\u{1b}') && !picture.contains('\u{7}'), "{picture}");
    }
    let wide = lines(&drawn(&mut watched(3), 200, 24, &ascii), |cell| cell.symbol().to_owned());
    assert!(wide.contains(r"\x1b[2Jevil\n"), "{wide}");
}

#[test]
fn the_fullest_comes_first_and_the_order_can_be_changed() {
    let mut app = watched(20);
    assert_eq!(addresses(&mut app)[..2], ["0.0.0.0:443", "127.0.0.1:3000"]);
    press(&mut app, "s");
    assert_eq!(addresses(&mut app)[0], "0.0.0.0:443", "the one that drops");
    press(&mut app, "s");
    let by_address = addresses(&mut app);
    assert_eq!(by_address[..4], ["0.0.0.0:22", "0.0.0.0:443", "127.0.0.1:3000", "*:5432"]);
    press(&mut app, "r");
    let reversed: Vec<String> = by_address.into_iter().rev().collect();
    assert_eq!(addresses(&mut app), reversed);
    press(&mut app, "rs");
    assert!(text(&mut app).contains("service▴"));
}

#[test]
fn a_selected_row_is_followed_wherever_it_goes() {
    let mut app = watched(20);
    assert_eq!(selected(&mut app), "0.0.0.0:443");
    press(&mut app, "↓");
    assert_eq!(selected(&mut app), "127.0.0.1:3000");
    press(&mut app, "ss");
    assert_eq!(selected(&mut app), "127.0.0.1:3000");
    press(&mut app, "⇲");
    let last = addresses(&mut app).pop();
    assert_eq!(Some(selected(&mut app)), last);
    press(&mut app, "⇱");
    assert_eq!(Some(&selected(&mut app)), addresses(&mut app).first());
    press(&mut app, "jjkj⇟⇞");
    assert_eq!(Some(&selected(&mut app)), addresses(&mut app).first());
}

#[test]
fn a_row_that_goes_away_leaves_the_selection_to_the_top() {
    let mut app = watched(20);
    press(&mut app, "↓\n");
    assert!(text(&mut app).contains("127.0.0.1:3000"));
    let mut without = running(21);
    without.sockets.retain(|socket| socket.address.port() != Some(3000));
    app.take(report(without), None);
    assert_eq!(selected(&mut app), "0.0.0.0:443");
}

#[test]
fn a_filter_looks_at_all_names_and_can_be_undone() {
    let mut app = watched(20);
    for (filter, found) in [
        (":443", 1),
        ("NGINX", 1),
        ("tomcat10.service", 1),
        ("java", 1),
        ("database", 1),
        ("blue postgres", 1),
        ("blue nginx", 0),
        ("127.0.0.1", 3),
    ] {
        press(&mut app, &format!("/{filter}\n"));
        let shown = addresses(&mut app);
        let shown = if found == 0 { shown.iter().filter(|it| *it != "no").count() } else { shown.len() };
        assert_eq!(shown, found, "{filter}");
        press(&mut app, &format!("/{}\n", "⌫".repeat(filter.len())));
    }
    press(&mut app, "/q");
    assert!(text(&mut app).contains("filter: q"), "letters are no commands there");
    press(&mut app, "\u{1b}");
    assert!(addresses(&mut app).len() > 5);
}

#[test]
fn idle_unix_sockets_are_hidden_until_asked_for() {
    let mut app = watched(20);
    assert!(!text(&mut app).contains("-fpm.sock"));
    assert!(text(&mut app).contains("1 idle unix hidden"));
    press(&mut app, "u");
    assert!(text(&mut app).contains("-fpm.sock"));
    press(&mut app, "u");
    assert!(!text(&mut app).contains("-fpm.sock"));
}

#[test]
fn a_paused_screen_stands_still_and_catches_up() {
    let mut app = watched(20);
    press(&mut app, "p");
    let before = text(&mut app);
    assert!(before.contains("PAUSED"));
    for second in 21..40 {
        app.take(report(running(second)), None);
    }
    assert_eq!(text(&mut app), before);
    press(&mut app, " ");
    let after = text(&mut app);
    assert!(!after.contains("PAUSED") && after.contains("14:03:10 UTC"), "{after}");
    assert_eq!(after, text(&mut watched(39)), "nothing was lost meanwhile");
}

#[test]
fn leaving_goes_back_page_by_page() {
    let leaves = |app: &mut App, code, modifiers| app.press(KeyEvent::new(code, modifiers)) == Wanted::NoMore;
    let mut app = watched(1);
    press(&mut app, "\n?");
    press(&mut app, "\u{1b}");
    assert!(leaves(&mut app, KeyCode::Esc, KeyModifiers::NONE));
    assert!(leaves(&mut app, KeyCode::Char('q'), KeyModifiers::NONE));
    for keys in ["", "\n", "?", "/"] {
        let mut app = watched(1);
        press(&mut app, keys);
        assert!(leaves(&mut app, KeyCode::Char('c'), KeyModifiers::CONTROL), "{keys}");
    }
}

#[test]
fn what_went_wrong_meanwhile_and_what_is_not_seen_is_said() {
    let mut app = watched(1);
    let unseen = vec!["whose some sockets are: processes of other users show it to root only".to_owned()];
    app.take(report(Running { unseen, ..running(2) }), Some("the files could not be read again".to_owned()));
    let text = text(&mut app);
    assert!(text.contains("the files could not be read again; not seen: whose some sockets"), "{text}");
}

#[test]
fn every_size_can_be_drawn() {
    for width in [1, 20, 39, 40, 41, 55, 79, 81, 150, 400] {
        for height in [1, 7, 8, 9, 15, 16, 100] {
            for keys in ["", "\n", "?", "/x", "⇲"] {
                let mut app = watched(2);
                press(&mut app, keys);
                drawn(&mut app, width, height, &coloured());
            }
        }
    }
}

#[test]
fn lines_tell_only_what_moves() {
    let mut lines = Lines::default();
    let mut all = String::new();
    let quiet = |second| {
        let mut calm = running(second);
        calm.namespaces.iter_mut().for_each(|it| it.moved = Counters::default());
        calm.sockets
            .iter_mut()
            .for_each(|it| (it.queued, it.peak, it.dropped) = (0, 0, it.dropped.map(|_| 0)));
        calm
    };
    for running in [running(0), running(1), quiet(2), quiet(3), running(4)] {
        all.push_str(&lines.of(&report(running), None));
    }
    assert!(all.chars().all(|c| c == '\n' || !c.is_control()), "{all}");
    snapshot::same(Path::new("tests/screens/watch-lines.txt"), all.as_bytes());
}
