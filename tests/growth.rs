//! Work grows no faster than what is read: the bytes that an audit and each format allocate for a tree and for one of ten times
//! its size. What loops without allocating is counted by `benches/growth.py`.

mod common;

use std::alloc::System;

use backlog_audit::report::human::{self, Again};
use backlog_audit::report::{
    Report, Screen, checkstyle, github, gitlab, json, junit, markdown, ndjson, sarif,
};
use backlog_audit::{Request, audit};
use common::scratch::Scratch;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Ten times the tree may take ten times the bytes, and what a growing text wastes.
const MOST: usize = 16;

/// What a run takes whatever it looks at: tables of ours that are parsed for the first listener, patterns that are compiled.
const START: usize = 2 << 20;

const SMALL: usize = 200;

type Plant = fn(&Scratch, usize);
type Render = fn(&Report) -> usize;

const TREES: [(&str, Plant); 12] = [
    ("listens on one line that is not ASCII", |tree, size| {
        let listens = each(size, |nth| format!("listen 10.0.0.1:{nth}; "));
        tree.write("etc/nginx/nginx.conf", nginx(&format!("server {{ server_name \u{fc}; {listens} }}")));
    }),
    ("addresses of one name", |tree, size| {
        tree.write("etc/hosts", each(size, |nth| format!("10.1.{}.{} same\n", nth / 256, nth % 256)));
        let listens = each(20, |nth| format!("Listen same:{}\n", 8000 + nth));
        tree.write("etc/apache2/apache2.conf", listens);
    }),
    ("targets of a policy", |tree, size| {
        tree.write(".git/HEAD", "");
        let targets = each(size, |nth| format!("[[target]]\nname = \"t{nth}\"\npath = \"d{nth}\"\n"));
        tree.write("backlog-audit.toml", targets);
        (0..size).for_each(|nth| tree.write(format!("d{nth}/nginx.conf"), one_server()));
    }),
    ("excludes of a policy", |tree, size| {
        tree.write(".git/HEAD", "");
        tree.write(
            "backlog-audit.toml",
            format!("exclude = [{}]", each(size, |nth| format!("\"d{nth}*\","))),
        );
        (0..size / 4).for_each(|nth| tree.write(format!("e{nth}/nginx.conf"), one_server()));
    }),
    ("ignores of a policy by listener", |tree, size| {
        tree.write(".git/HEAD", "");
        let ignore = |nth: usize| format!("[[ignore]]\nlistener = \"nginx:*:{nth}\"\nreason = \"x\"\n");
        tree.write("backlog-audit.toml", each(size, ignore));
        tree.write("nginx.conf", nginx(&clamped(size)));
        tree.write("etc/sysctl.d/a.conf", "net.core.somaxconn = 100\n");
    }),
    ("units that share a file of variables", |tree, size| {
        tree.write("etc/default/shared", each(150, |nth| format!("V{nth}=\n")));
        for nth in 0..size {
            let unit = "[Service]\nEnvironmentFile=/etc/default/shared\nExecStart=/usr/bin/gunicorn a\n";
            tree.write(format!("etc/systemd/system/u{nth}.service"), unit);
        }
    }),
    ("servers of an upstream behind as many listeners", |tree, size| {
        let servers = each(size, |nth| format!("server 10.2.{}.{}:80;\n", nth / 256, nth % 256));
        let fronts = each(size, |nth| format!("server {{ listen {}; proxy_pass http://u; }}\n", nth + 1));
        tree.write("etc/nginx/nginx.conf", nginx(&format!("upstream u {{ {servers} }} {fronts}")));
    }),
    ("findings with fixes", |tree, size| {
        tree.write("etc/nginx/nginx.conf", nginx(&clamped(size)));
        tree.write("etc/sysctl.d/a.conf", "net.core.somaxconn = 100\n");
    }),
    ("findings on one line", |tree, size| {
        tree.write("etc/nginx/nginx.conf", nginx(&clamped(size).replace('\n', " ")));
        tree.write("etc/sysctl.d/a.conf", "net.core.somaxconn = 100\n");
    }),
    ("comments that say what to ignore", |tree, size| {
        let comments = each(size, |_| "# backlog-audit: ignore queue-clamped -- x\n\n".to_owned());
        tree.write("etc/nginx/nginx.conf", format!("{comments}{}", one_server()));
    }),
    ("comments about one line", |tree, size| {
        let comments = "# backlog-audit: ignore queue-clamped -- x\n".repeat(size);
        tree.write(
            "etc/nginx/nginx.conf",
            nginx(&format!("\n{comments}{}", clamped(size).replace('\n', " "))),
        );
        tree.write("etc/sysctl.d/a.conf", "net.core.somaxconn = 100\n");
    }),
    ("listeners that pass on to all of the next row", |tree, size| {
        let address = |row: usize, nth: usize| format!("127.0.0.1:{}", 1000 * (row + 1) + nth);
        let row = |row: usize| {
            let servers = each(8, |nth| format!("server {};", address(row + 1, nth)));
            let listens = each(8, |nth| format!("listen {};", address(row, nth)));
            format!("upstream u{row} {{ {servers} }} server {{ {listens} proxy_pass http://u{row}; }}\n")
        };
        tree.write("etc/nginx/nginx.conf", nginx(&each(5 + size / SMALL, row)));
    }),
];

const FORMATS: [(&str, Render); 9] = [
    ("human", |report| human::render(report, &Screen::plain(), &Again::default(), None).len()),
    ("json", |report| json::render(report).len()),
    ("ndjson", |report| ndjson::render(report).len()),
    ("sarif", |report| sarif::render(report).len()),
    ("gitlab", |report| gitlab::render(report).len()),
    ("github", |report| github::render(report).len()),
    ("junit", |report| junit::render(report, None).len()),
    ("checkstyle", |report| checkstyle::render(report).len()),
    ("markdown", |report| markdown::render(report).len()),
];

fn each(size: usize, text: impl FnMut(usize) -> String) -> String {
    (0..size).map(text).collect()
}

fn nginx(http: &str) -> String {
    format!("events {{ worker_connections 99999; }}\nhttp {{\n{http}\n}}\n")
}

fn one_server() -> String {
    nginx("server { listen 80; }")
}

fn clamped(size: usize) -> String {
    each(size, |nth| format!("server {{ listen {} backlog={}; }}\n", nth + 1, 1000 + nth))
}

/// The bytes that an audit allocates, and those of each format.
fn allocated(plant: Plant, size: usize) -> Vec<(&'static str, usize)> {
    let tree = Scratch::new(&format!("growth-{size}"));
    plant(&tree, size);
    let region = Region::new(ALLOCATOR);
    let request = Request { paths: vec![tree.0.clone()], offline: true, ..Request::default() };
    let report = audit(&request).unwrap();
    let mut counts = vec![("audit", region.change().bytes_allocated)];
    for (name, render) in FORMATS {
        let region = Region::new(ALLOCATOR);
        render(&report);
        counts.push((name, region.change().bytes_allocated));
    }
    counts
}

/// One test, because the counts are those of the whole process.
#[test]
fn ten_times_as_much_allocates_ten_times_as_much() {
    let mut wrong = Vec::new();
    for (what, plant) in TREES {
        let (small, large) = (allocated(plant, SMALL), allocated(plant, 10 * SMALL));
        for ((by, few), (_, many)) in small.into_iter().zip(large) {
            if many > MOST * few.max(1) + START {
                wrong.push(format!("{what}, {by}: {} KiB, then {} KiB", few / 1024, many / 1024));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
