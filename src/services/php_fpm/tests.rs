use std::fs;

use tempfile::TempDir;

use super::*;
use crate::knowledge::Knowledge;
use crate::model::{Endpoint, Kind, Listener, PlaceId, ReadAs, Starter, Transport, Value, Variable, Word};
use crate::syntax::hosts::Hosts;
use crate::text::{Sources, Tree, apply};

const DEBIAN: &str = "etc/php/8.2/fpm/php-fpm.conf";
const POOL: &str = "[www]\nuser = www-data\nlisten = 9000\npm = static\npm.max_children = 5\n";

/// A tree with PHP-FPM's files in it.
struct Machine {
    folder: TempDir,
    sources: Sources,
    files: Vec<String>,
    commands: Vec<Command>,
    read_as: ReadAs,
}

impl Machine {
    fn new(read_as: ReadAs, files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let files = files.iter().map(|(path, _)| (*path).to_owned()).collect();
        Self { folder, sources: Sources::new(), files, commands: Vec::new(), read_as }
    }

    fn root(pool: &str) -> Self {
        Self::new(ReadAs::Root, &[(DEBIAN, pool)])
    }

    fn repository(path: &str, pool: &str) -> Self {
        Self::new(ReadAs::Repo, &[(path, pool)])
    }

    fn read(&self) -> Found {
        let tree = Tree::open(self.folder.path(), true).unwrap();
        let knowledge = Knowledge::load(&self.sources).unwrap();
        let service = knowledge.service("php-fpm").unwrap();
        let ground = Ground {
            sources: &self.sources,
            tree: &tree,
            service,
            hosts: &Hosts::read(&self.sources, &tree),
            place: PlaceId(0),
            commands: &self.commands,
            read_as: self.read_as,
            only: &[],
        };
        let placed: Vec<PathBuf> =
            service.shape.places.iter().flat_map(|place| tree.glob(place.as_bytes())).collect();
        let mut files: Vec<Candidate> = Vec::new();
        for file in &self.files {
            let path = PathBuf::from(file);
            let by_place = placed.contains(&path);
            let bytes = fs::read(self.folder.path().join(&path)).unwrap();
            if by_place || service.shape.has_name(file.as_bytes()) && service.shape.looks_right(&bytes) {
                files.push(Candidate { path, by_place });
            }
        }
        files.sort();
        read(ground, &files)
    }

    fn listener(&self) -> Listener {
        let found = self.read();
        assert_eq!(found.problems, [], "no problems");
        assert_eq!(found.listeners.len(), 1);
        found.listeners.into_iter().next().unwrap()
    }

    /// The file once its pool asks for a number, if it can be told to.
    fn set(&self, number: i64) -> Option<String> {
        let slot = self.listener().backlog.slot?;
        let bytes = apply(self.sources.bytes(slot.span.source), &[slot.edit(number)]);
        Some(String::from_utf8(bytes).unwrap())
    }
}

fn told(found: &Found) -> Vec<(String, Option<i64>)> {
    let told = |listener: &Listener| {
        (listener.endpoint.to_string(), listener.backlog.value.as_ref().map(|value| value.get))
    };
    found.listeners.iter().map(told).collect()
}

#[test]
fn a_number_is_put_where_it_stands_or_after_the_line_of_listen() {
    for (written, longer) in [
        ("listen.backlog = 5 ; few", "listen.backlog = 300 ; few"),
        ("listen.backlog = '5'", "listen.backlog = '300'"),
        ("listen.backlog = -1", "listen.backlog = 300"),
        ("; nothing", "; nothing"),
    ] {
        let pool = POOL.replace("listen = 9000", "listen = 9000 ; here\nLINE");
        let line = if written == longer { "listen.backlog = 300\n; nothing" } else { longer };
        let machine = Machine::root(&pool.replace("LINE", written));
        assert_eq!(machine.set(300), Some(pool.replace("LINE", line)), "{written}");
    }
    let crlf = POOL.replace('\n', "\r\n");
    let longer = crlf.replace("9000\r\n", "9000\r\nlisten.backlog = 300\r\n");
    assert_eq!(Machine::root(&crlf).set(300), Some(longer));
    let last = format!("{}listen = 9000", POOL.replace("listen = 9000\n", ""));
    assert_eq!(Machine::root(&last).set(300), Some(format!("{last}\nlisten.backlog = 300")));
}

#[test]
fn what_does_not_spell_the_number_has_no_slot() {
    for backlog in ["${QUEUE}", "5${QUEUE}", "5'0'0", "010", "yes", "(500)", "", "99999999999"] {
        let machine = Machine::root(&format!("{POOL}listen.backlog = {backlog}\n"));
        assert_eq!(machine.set(300), None, "{backlog}");
    }
}

#[test]
fn a_variable_is_what_the_unit_sets_and_else_nothing() {
    let pool = format!("{POOL}listen.backlog = ${{QUEUE}}\n");
    let value = |machine: &Machine| machine.listener().backlog.value.map(|value| value.get);
    assert_eq!(value(&Machine::root(&pool)), Some(0));
    let mut machine = Machine::root(&pool);
    let at = Span::top(machine.sources.flag("--unit", "700").source);
    let word = |text: &str| Word { text: text.into(), span: at, exact: true, open: false };
    machine.commands.push(Command {
        starter: Starter::Unit,
        name: "php8.2-fpm.service".into(),
        words: vec![word("/usr/sbin/php-fpm8.2")],
        environment: vec![Variable { name: "QUEUE".into(), value: word("700") }],
        folder: None,
        at,
        room: None,
        open_files: None,
        image: None,
    });
    assert_eq!(value(&machine), Some(700));
    for path in ["docker/php-fpm.conf", "usr/local/etc/php-fpm.conf"] {
        let read_as = if path.starts_with("usr") { ReadAs::Root } else { ReadAs::Repo };
        let listener = Machine::new(read_as, &[(path, &pool)]).listener();
        assert_eq!(listener.backlog, crate::model::Setting::default(), "{path}");
        assert!(listener.steps.iter().any(|step| step.what.contains("QUEUE")), "{:?}", listener.steps);
    }
}

#[test]
fn a_command_line_names_the_main_file() {
    let mut machine = Machine::new(ReadAs::Root, &[("srv/fpm/own.conf", POOL)]);
    let at = Span::top(machine.sources.flag("--unit", "").source);
    let words = ["php-fpm", "-F", "-y", "/srv/fpm/own.conf"].map(|text| Word {
        text: text.into(),
        span: at,
        exact: true,
        open: false,
    });
    machine.commands.push(Command {
        starter: Starter::Unit,
        name: "own.service".into(),
        words: words.to_vec(),
        environment: Vec::new(),
        folder: None,
        at,
        room: None,
        open_files: None,
        image: None,
    });
    assert_eq!(told(&machine.read()), [("*:9000".into(), Some(-1))]);
}

#[test]
fn the_default_is_that_of_the_version() {
    for (path, default, kind) in [
        ("etc/php/8.3/fpm/php-fpm.conf", -1, Kind::Default),
        ("etc/php/7.4/fpm/php-fpm.conf", 511, Kind::Default),
        ("etc/php5/fpm/php-fpm.conf", 65535, Kind::Default),
        ("etc/php81/php-fpm.conf", 511, Kind::Default),
        ("etc/php-fpm.conf", -1, Kind::Assumed),
    ] {
        let listener = Machine::new(ReadAs::Root, &[(path, POOL)]).listener();
        let Value { get, kind: found, .. } = listener.backlog.value.unwrap();
        assert_eq!((get, found), (default, kind), "{path}");
    }
    let named = POOL.replace("9000", "/run/php/php7.4-fpm.sock");
    let listener = Machine::repository("deploy/www.conf", &named).listener();
    assert_eq!(listener.backlog.value.unwrap().get, 511);
}

#[test]
fn ondemand_raises_what_is_below_the_default() {
    let pool = format!("{}listen.backlog = 20\n", POOL.replace("static", "ondemand"));
    let listener = Machine::new(ReadAs::Root, &[("etc/php/7.4/fpm/php-fpm.conf", &pool)]).listener();
    assert_eq!(listener.backlog.value.unwrap().get, 511);
    assert_eq!(listener.backlog.slot, None);
    assert_eq!(listener.steps.iter().map(|step| step.value).collect::<Vec<_>>(), [Some(20), Some(511)]);
}

#[test]
fn folders_of_pools_are_one_and_other_files_stand_alone() {
    let image = [
        ("docker/php-fpm.d/www.conf", POOL),
        ("docker/php-fpm.d/zz-docker.conf", "[global]\ndaemonize = no\n[www]\nlisten.backlog = 7\n"),
        ("staging/www.conf", POOL),
        ("production/www.conf", &*format!("{POOL}listen.backlog = 9\n")),
    ];
    let found = Machine::new(ReadAs::Repo, &image).read();
    let numbers: Vec<Option<i64>> = told(&found).into_iter().map(|(_, number)| number).collect();
    assert_eq!(numbers, [Some(7), Some(9), Some(-1)]);
    assert_eq!(found.problems, []);
}

#[test]
fn a_main_file_of_a_repository_finds_the_folder_beside_it() {
    let files = [
        ("docker/php-fpm.conf", "[global]\ninclude=/etc/php/8.1/fpm/pool.d/*.conf\n"),
        ("docker/pool.d/a.conf", POOL),
    ];
    assert_eq!(told(&Machine::new(ReadAs::Repo, &files).read()), [("*:9000".into(), Some(511))]);
}

#[test]
fn what_is_not_included_where_it_is_installed_is_off() {
    let files = [
        (DEBIAN, "include=/etc/php/8.2/fpm/pool.d/a*.conf\n"),
        ("etc/php/8.2/fpm/pool.d/a.conf", POOL),
        ("etc/php/8.2/fpm/pool.d/b.conf", &*POOL.replace("9000", "9001")),
    ];
    let found = Machine::new(ReadAs::Root, &files).read();
    assert_eq!((found.listeners.len(), found.left_out, found.problems.len()), (1, 1, 0));
}

#[test]
fn a_number_without_its_listen_has_no_address() {
    let listener = Machine::repository("docker/zz-docker.conf", "[www]\nlisten.backlog = 700\n").listener();
    assert_eq!(listener.endpoint, Endpoint::Unknown(Transport::Tcp));
    assert_eq!(listener.backlog.value.unwrap().get, 700);
}

#[test]
fn templates_are_not_judged() {
    for line in [
        "pm.max_children = {{ children }}",
        "pm.max_children = $CHILDREN",
        "pm.max_children = __CHILDREN__",
        "{% if x %}",
        "php_value[x] = <%= x %>",
    ] {
        let pool = POOL.replace("pm.max_children = 5", line);
        assert_eq!(
            Machine::repository("conf/www.conf", &pool).listener().endpoint.port(),
            Some(9000),
            "{line}"
        );
        assert_eq!(Machine::root(&pool).read().problems.len(), 1, "{line}");
    }
    let listener = Machine::repository("conf/www.conf", &POOL.replace("9000", "{{ address }}")).listener();
    assert_eq!(listener.endpoint, Endpoint::Unknown(Transport::Tcp));
    let open = format!("{POOL}listen.backlog = @BACKLOG@\n");
    assert_eq!(Machine::repository("conf/www.conf", &open).listener().backlog.value, None);
}

#[test]
fn keys_that_a_later_version_may_have_are_passed_over() {
    let pool = format!("{POOL}pm.new = 5\n");
    assert_eq!(Machine::root(&pool).read().problems.len(), 1);
    for path in ["etc/php/9.1/fpm/php-fpm.conf", "etc/php-fpm.conf"] {
        assert_eq!(Machine::new(ReadAs::Root, &[(path, &pool)]).read().problems, [], "{path}");
    }
}

#[test]
fn other_files_with_the_names_are_not_read() {
    for text in [
        "[Unit]\nlisten = 9000\n",
        "[uwsgi]\nlisten = 100\nsocket = :9000\n",
        "listen = 80\n",
        "server { listen = 80; }\n",
        "[www]\nListen 80\n",
    ] {
        let found = Machine::repository("conf/www.conf", text).read();
        assert!(found.listeners.is_empty() && found.problems.is_empty(), "{text}: {:?}", told(&found));
    }
}

#[test]
fn hostile_files_end_soon() {
    let many = "include=/etc/php/8.2/fpm/pool.d/*.conf\n".repeat(2_000);
    let files = [
        (DEBIAN, many.as_str()),
        ("etc/php/8.2/fpm/pool.d/a.conf", ";\n"),
        ("etc/php/8.2/fpm/pool.d/b.conf", ";\n"),
    ];
    assert_eq!(Machine::new(ReadAs::Root, &files).read().problems.len(), 1);
    let pools: String = (0..20_000)
        .map(|n| format!("[p{n}]\nuser=a\nlisten=/run/{n}\npm=static\npm.max_children=1\n"))
        .collect();
    assert_eq!(Machine::root(&pools).read().listeners.len(), 20_000);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn no_bytes_make_it_panic(text in r"(\[(www|global|a)?\]?|listen(\.backlog)?|pm|=|[0-9:/*$\{\}\[\]'; -]|include=|\n){0,60}") {
        Machine::new(ReadAs::Root, &[(DEBIAN, &text)]).read();
        Machine::new(ReadAs::Repo, &[("a/www.conf", &text)]).read();
    }
}
