//! Variables and drop-ins that thousands of programs share: each audit ends soon, in little memory, and says what it left out.

mod common;

use std::fmt::Write;

use common::hostile::Hostile;

/// The numbers from 0 on, each written out.
fn each(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut text, n| {
        write!(text, "{}", line(n)).unwrap();
        text
    })
}

/// Units that each start a server.
fn units(tree: Hostile, count: usize) -> Hostile {
    let exec = |n| format!("[Service]\nExecStart=/usr/bin/gunicorn -b :{} app:app\n", n + 1);
    (0..count).fold(tree, |tree, n| tree.file(&format!("etc/systemd/system/u{n}.service"), exec(n)))
}

/// How often the bound of command lines is told; shells have bounds of their own.
fn cuts(tree: &Hostile) -> usize {
    let is_told = |[rule, _, what]: &&[String; 3]| rule == "cut-off" && what.contains("command lines");
    tree.findings().iter().filter(is_told).count()
}

#[test]
fn a_dropin_of_many_links_for_all_units() {
    let variables = each(5_000, |n| format!(" V{n}=1"));
    let file = Hostile::new().file("etc/x.conf", format!("[Service]\nEnvironment={variables}\n"));
    let link = |tree: Hostile, n| tree.link("/etc/x.conf", &format!("etc/systemd/system/service.d/{n}.conf"));
    assert_eq!(cuts(&units((0..100).fold(file, link), 300)), 1);
}

#[test]
fn many_dropins_for_all_units() {
    let dropin = |tree: Hostile, n| {
        tree.file(
            &format!("etc/systemd/system/service.d/{n}.conf"),
            format!("[Service]\nEnvironment=A{n}={n}\n"),
        )
    };
    assert_eq!(cuts(&units((0..1_500).fold(Hostile::new(), dropin), 1_500)), 1);
}

#[test]
fn a_long_dropin_for_all_units() {
    let lines = each(10_000, |n| format!("Environment=V{n}=1\n"));
    let tree = Hostile::new().file("etc/systemd/system/service.d/x.conf", format!("[Service]\n{lines}"));
    assert_eq!(cuts(&units(tree, 1_000)), 1);
}

#[test]
fn a_long_file_of_variables_for_all_services() {
    let service = |n| {
        format!(
            "  s{n}:\n    image: python\n    env_file: [e, ./e]\n    command: gunicorn -b :{} a:a\n",
            n + 1
        )
    };
    let tree = Hostile::new()
        .file("srv/e", each(20_000, |n| format!("V{n}=1\n")))
        .file("srv/compose.yaml", format!("services:\n{}", each(500, service)));
    assert_eq!(cuts(&tree), 1);
}

#[test]
fn stages_that_are_made_from_each_other() {
    let stage =
        |n: usize| format!("FROM s{n} AS s{}\nENV A{n}=1\nARG B{n}=1\nCOPY --chown=a a{n} b\n", n + 1);
    let chain = format!("FROM x AS s0\n{}CMD gunicorn -b :80 a:a\n", each(5_000, stage));
    assert_eq!(cuts(&Hostile::new().file("srv/Dockerfile", chain)), 1);
    let base = each(5_000, |n| format!("ENV V{n}=1\n"));
    let stages = each(2_000, |n| format!("FROM s0 AS t{n}\nCMD gunicorn -b :{n} a:a\n"));
    let tree = Hostile::new().file("srv/Dockerfile", format!("FROM x AS s0\n{base}{stages}"));
    assert_eq!(cuts(&tree), 1);
}

#[test]
fn a_long_environment_for_all_programs() {
    let variables: Vec<String> = (0..20_000).map(|n| format!("V{n}=\"1\"")).collect();
    let programs = each(2_500, |n| format!("[program:p{n}]\ncommand=gunicorn -b :{} a:a\n", n + 1));
    let text = format!("[supervisord]\nenvironment={}\n{programs}", variables.join(","));
    assert_eq!(cuts(&Hostile::new().file("etc/supervisor/supervisord.conf", text)), 1);
}

#[test]
fn what_people_share_is_looked_at_whole() {
    let lines = each(50, |n| format!("Environment=VARIABLE_{n}=the_value_of_{n}\n"));
    let tree = Hostile::new().file("etc/systemd/system/service.d/x.conf", format!("[Service]\n{lines}"));
    let service =
        |n| format!("  s{n}: {{image: python, env_file: e, command: gunicorn -b :{} a:a}}\n", n + 1);
    let stage = |n: usize| format!("FROM s{n} AS s{}\nENV VARIABLE_{n}=1\n", n + 1);
    let tree = units(tree, 500)
        .file("srv/e", each(200, |n| format!("VARIABLE_{n}=the_value_of_{n}\n")))
        .file("srv/compose.yaml", format!("services:\n{}", each(100, service)))
        .file("srv/a/Dockerfile", format!("FROM x AS s0\n{}CMD gunicorn -b :80 a:a\n", each(30, stage)));
    assert_eq!(cuts(&tree), 0);
}
