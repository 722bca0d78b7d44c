use super::super::Trial;
use super::*;

const DEBIAN: &str = "etc/php/8.2/fpm/php-fpm.conf";
const POOL: &str = "[www]\nuser = www-data\nlisten = 9000\npm = static\npm.max_children = 5\n";

fn root(pool: &str) -> Trial {
    Trial::root("php-fpm", &[(DEBIAN, pool)])
}

fn repository(path: &str, pool: &str) -> Trial {
    Trial::repository("php-fpm", &[(path, pool)])
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
        let seen = root(&pool.replace("LINE", written)).read();
        assert_eq!(seen.set(300), Some(pool.replace("LINE", line)), "{written}");
    }
    let crlf = POOL.replace('\n', "\r\n");
    let longer = crlf.replace("9000\r\n", "9000\r\nlisten.backlog = 300\r\n");
    assert_eq!(root(&crlf).read().set(300), Some(longer));
    let last = format!("{}listen = 9000", POOL.replace("listen = 9000\n", ""));
    assert_eq!(root(&last).read().set(300), Some(format!("{last}\nlisten.backlog = 300")));
}

#[test]
fn what_does_not_spell_the_number_has_no_slot() {
    for backlog in ["${QUEUE}", "5${QUEUE}", "5'0'0", "010", "yes", "(500)", "", "99999999999"] {
        let seen = root(&format!("{POOL}listen.backlog = {backlog}\n")).read();
        assert_eq!(seen.set(300), None, "{backlog}");
    }
}

#[test]
fn a_variable_is_what_the_unit_sets_and_else_nothing() {
    let pool = format!("{POOL}listen.backlog = ${{QUEUE}}\n");
    assert_eq!(root(&pool).read().rows(), ["*:9000 0"]);
    assert_eq!(root(&pool).started("QUEUE=700 /usr/sbin/php-fpm8.2").read().rows(), ["*:9000 700"]);
    let image = Trial::root("php-fpm", &[("usr/local/etc/php-fpm.conf", &pool)]);
    for trial in [repository("docker/php-fpm.conf", &pool), image] {
        let seen = trial.read();
        assert_eq!(seen.one().backlog, Setting::default());
        assert!(seen.said().contains("QUEUE"), "{}", seen.said());
    }
}

#[test]
fn a_command_line_names_the_main_file() {
    let trial = Trial::root("php-fpm", &[("srv/fpm/own.conf", POOL)]);
    assert_eq!(trial.started("php-fpm -F -y /srv/fpm/own.conf").read().rows(), ["*:9000 -1"]);
}

#[test]
fn the_default_is_that_of_the_version() {
    for (path, default, kind) in [
        ("etc/php/8.3/fpm/php-fpm.conf", -1, Kind::Default),
        ("etc/php/7.4/fpm/php-fpm.conf", 511, Kind::Default),
        ("etc/php5/fpm/php-fpm.conf", 65535, Kind::Default),
        ("etc/php81/php-fpm.conf", 511, Kind::Default),
        ("etc/php8/php-fpm.conf", 511, Kind::Default),
        // SUSE's, and Arch's.
        ("etc/php8/fpm/php-fpm.conf", -1, Kind::Assumed),
        ("etc/php7/fpm/php-fpm.conf", 511, Kind::Default),
        ("etc/php/php-fpm.conf", -1, Kind::Assumed),
        ("etc/php-fpm.conf", -1, Kind::Assumed),
    ] {
        let seen = Trial::root("php-fpm", &[(path, POOL)]).read();
        let value = seen.one().backlog.value.as_ref().unwrap();
        assert_eq!((value.get, value.kind), (default, kind), "{path}");
    }
    let named = POOL.replace("9000", "/run/php/php7.4-fpm.sock");
    assert_eq!(repository("deploy/www.conf", &named).read().rows(), ["/run/php/php7.4-fpm.sock 511"]);
}

#[test]
fn ondemand_raises_what_is_below_the_default() {
    let pool = format!("{}listen.backlog = 20\n", POOL.replace("static", "ondemand"));
    let seen = Trial::root("php-fpm", &[("etc/php/7.4/fpm/php-fpm.conf", &pool)]).read();
    assert_eq!(seen.rows(), ["*:9000 511"]);
    assert_eq!(seen.set(600), None);
    assert_eq!(seen.one().steps.iter().map(|step| step.value).collect::<Vec<_>>(), [Some(20), Some(511)]);
}

#[test]
fn folders_of_pools_are_one_and_other_files_stand_alone() {
    let image = [
        ("docker/php-fpm.d/www.conf", POOL),
        ("docker/php-fpm.d/zz-docker.conf", "[global]\ndaemonize = no\n[www]\nlisten.backlog = 7\n"),
        ("staging/www.conf", POOL),
        ("production/www.conf", &*format!("{POOL}listen.backlog = 9\n")),
    ];
    let seen = Trial::repository("php-fpm", &image).read();
    assert_eq!(seen.rows(), ["*:9000 7", "*:9000 9", "*:9000 -1"]);
    assert_eq!(seen.problems(), [""; 0]);
}

#[test]
fn a_main_file_of_a_repository_finds_the_folder_beside_it() {
    let files = [
        ("docker/php-fpm.conf", "[global]\ninclude=/etc/php/8.1/fpm/pool.d/*.conf\n"),
        ("docker/pool.d/a.conf", POOL),
    ];
    assert_eq!(Trial::repository("php-fpm", &files).read().rows(), ["*:9000 511"]);
}

#[test]
fn what_is_not_included_where_it_is_installed_is_off() {
    let files = [
        (DEBIAN, "include=/etc/php/8.2/fpm/pool.d/a*.conf\n"),
        ("etc/php/8.2/fpm/pool.d/a.conf", POOL),
        ("etc/php/8.2/fpm/pool.d/b.conf", &*POOL.replace("9000", "9001")),
    ];
    let seen = Trial::root("php-fpm", &files).read();
    assert_eq!(seen.rows(), ["*:9000 -1"]);
    assert_eq!((seen.found.left_out, seen.problems().len()), (1, 0));
}

#[test]
fn nothing_behind_a_fault_is_read_or_opened() {
    let seen = root(&format!("{POOL}listen.backlog = 0x10\n")).read();
    assert_eq!((seen.rows().len(), seen.problems().len()), (0, 1));
    let main = "[global]\nlisten.backlog = 5\ninclude=/etc/php/8.2/fpm/pool.d/*.conf\n";
    let files = [(DEBIAN, main), ("etc/php/8.2/fpm/pool.d/a.conf", POOL)];
    let seen = Trial::root("php-fpm", &files).read();
    assert_eq!((seen.rows().len(), seen.problems().len(), seen.found.left_out), (0, 1, 1));
}

#[test]
fn a_number_without_its_listen_has_no_address() {
    let seen = repository("docker/zz-docker.conf", "[www]\nlisten.backlog = 700\n").read();
    assert_eq!(seen.rows(), ["? 700"]);
}

#[test]
fn lines_without_a_section_go_on_with_a_pool_of_another_file() {
    let lines = POOL.strip_prefix("[www]\n").unwrap();
    assert_eq!(repository("php-fpm/x.pool.conf", lines).read().one().endpoint.to_string(), "*:9000");
    let named = lines.replace("9000", "/run/$pool.sock");
    assert_eq!(repository("php-fpm/x.pool.conf", &named).read().rows(), ["? -1"]);
    let seen =
        repository("php-fpm.d/b.conf", "listen.backlog = 7\n[other]\nlisten = 81\npm = static\n").read();
    assert_eq!(seen.rows(), ["? 7", "*:81 -1"]);
    assert_eq!(seen.problems(), [""; 0]);
    let other = repository("php-fpm/x.pool.conf", &format!("{lines}server = a\n")).read();
    assert_eq!(other.rows(), [""; 0]);
}

#[test]
fn a_main_file_without_pools_is_told_of() {
    for text in ["", "[global]\ndaemonize = no\n"] {
        let seen = root(text).read();
        assert_eq!(seen.problems(), ["Lost: it does not start: no pool is defined"]);
        assert_eq!(seen.sources.get(seen.found.problems[0].at.source).name(), DEBIAN);
    }
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
        let seen = repository("conf/www.conf", &pool).read();
        assert_eq!(seen.one().endpoint.port(), Some(9000), "{line}");
        assert_eq!(root(&pool).read().problems().len(), 1, "{line}");
    }
    let open = POOL.replace("9000", "{{ address }}");
    assert_eq!(repository("conf/www.conf", &open).read().rows(), ["? -1"]);
    let open = format!("{POOL}listen.backlog = @BACKLOG@\n");
    assert_eq!(repository("conf/www.conf", &open).read().rows(), ["*:9000 ?"]);
}

#[test]
fn keys_that_a_later_version_may_have_are_passed_over() {
    let pool = format!("{POOL}pm.new = 5\n");
    assert_eq!(root(&pool).read().problems().len(), 1);
    for path in ["etc/php/9.1/fpm/php-fpm.conf", "etc/php-fpm.conf"] {
        assert_eq!(Trial::root("php-fpm", &[(path, &pool)]).read().problems(), [""; 0], "{path}");
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
        let seen = repository("conf/www.conf", text).read();
        assert_eq!([seen.rows(), seen.problems()], [[""; 0]; 2], "{text}");
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
    assert_eq!(Trial::root("php-fpm", &files).read().problems().len(), 1);
    let pools: String = (0..20_000)
        .map(|n| format!("[p{n}]\nuser=a\nlisten=/run/{n}\npm=static\npm.max_children=1\n"))
        .collect();
    assert_eq!(root(&pools).read().rows().len(), 20_000);
}

#[test]
fn names_tell_versions() {
    for (path, version) in [
        ("/etc/php/8.2/fpm/php-fpm.conf", "8.2"),
        ("/etc/php/7.4/fpm/pool.d/www.conf", "7.4"),
        ("/etc/php83/php-fpm.d/www.conf", "8.3"),
        ("/etc/php5/fpm/php-fpm.conf", "5.4"),
        ("/etc/php7/php-fpm.conf", "7.0"),
        ("/etc/php8/php-fpm.conf", "8.0"),
        ("/etc/opt/rh/rh-php73/php-fpm.conf", "7.3"),
        ("/opt/cpanel/ea-php81/root/etc/php-fpm.conf", "8.1"),
        ("/run/php/php8.1-fpm.sock", "8.1"),
    ] {
        assert_eq!(version_in(path).map(|found| found.to_string()), Some(version.to_owned()), "{path}");
    }
    for path in [
        "/etc/php-fpm.conf",
        "/usr/local/etc/php-fpm.d/www.conf",
        "/docker/php8/www.conf",
        "/run/php/php-fpm.sock",
        "/php/2023/x",
    ] {
        assert_eq!(version_in(path), None, "{path}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn no_bytes_make_it_panic(text in r"(\[(www|global|a)?\]?|listen(\.backlog)?|pm|=|[0-9:/*$\{\}\[\]'; -]|include=|\n){0,60}") {
        root(&text).read();
        repository("a/www.conf", &text).read();
    }
}
