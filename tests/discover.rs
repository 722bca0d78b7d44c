//! How a PATH is understood and which files are found in it.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use backlog_audit::Request;
use backlog_audit::discover::sites;
use backlog_audit::model::ReadAs;
use backlog_audit::report::Report;

struct Scratch(tempfile::TempDir);

impl Scratch {
    fn with(files: &[&str]) -> Self {
        let scratch = Self(tempfile::tempdir().unwrap());
        for file in files {
            scratch.file(file, "");
        }
        scratch
    }

    fn file(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(path)
    }

    /// How each site is read, its top relative to the scratch folder, and what it is restricted to.
    fn understood(&self, paths: &[&str]) -> Vec<(ReadAs, String, Vec<String>)> {
        let paths: Vec<PathBuf> = paths.iter().map(|path| self.path(path)).collect();
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let top = |path: &Path| text(path.strip_prefix(self.path("")).unwrap());
        let sites = sites(&paths, None).unwrap().into_iter();
        sites
            .map(|site| {
                (site.read_as, top(site.tree.top()), site.only.iter().map(|path| text(path)).collect())
            })
            .collect()
    }

    fn audit(&self, path: &str) -> Report {
        common::audit(&Request { paths: vec![self.path(path)], offline: true, ..Request::default() })
    }
}

fn one(read_as: ReadAs, top: &str, only: &[&str]) -> Vec<(ReadAs, String, Vec<String>)> {
    vec![(read_as, top.into(), only.iter().map(|path| (*path).to_owned()).collect())]
}

#[test]
fn a_path_is_what_it_holds() {
    let scratch = Scratch::with(&[
        "root/etc/x",
        "repo/.git/HEAD",
        "repo/etc/x",
        "repo/a/b.js",
        "repo/c.js",
        "plain/x",
        "lone.conf",
    ]);
    assert_eq!(scratch.understood(&["root"]), one(ReadAs::Root, "root", &[]));
    assert_eq!(scratch.understood(&["root/etc"]), one(ReadAs::Etc, "root", &[]));
    assert_eq!(scratch.understood(&["repo"]), one(ReadAs::Repo, "repo", &[]));
    assert_eq!(scratch.understood(&["plain"]), one(ReadAs::Repo, "plain", &[]));
    assert_eq!(scratch.understood(&["lone.conf"]), one(ReadAs::File, "", &["lone.conf"]));
    assert_eq!(scratch.understood(&["repo/c.js"]), one(ReadAs::File, "repo", &["c.js"]));
}

#[test]
fn several_paths_of_one_repository_are_one_machine() {
    let scratch = Scratch::with(&["repo/.git/HEAD", "repo/a/b.js", "repo/c.js", "one/etc/x", "two/etc/x"]);
    assert_eq!(scratch.understood(&["repo/a", "repo/c.js"]), one(ReadAs::Repo, "repo", &["a", "c.js"]));
    assert_eq!(scratch.understood(&["repo/a", "repo"]), one(ReadAs::Repo, "repo", &[]));
    assert_eq!(scratch.understood(&["one", "two"]).len(), 2);
}

const NGINX: &str = "server {\n    listen 8080 backlog=20;\n}\n";
const NODE: &str = "require('http').createServer().listen(3000, 30);\n";

fn addresses(report: &Report) -> Vec<String> {
    report.host.listeners.iter().filter_map(|listener| listener.endpoint.address()).collect()
}

#[test]
fn a_repository_is_searched_by_name_and_content() {
    let scratch = Scratch::with(&["repo/.git/HEAD"]);
    scratch.file("repo/deploy/web.conf", NGINX);
    scratch.file(
        "repo/.hidden/app.mjs",
        "import { createServer } from 'node:http';\ncreateServer().listen(3001);\n",
    );
    scratch.file("repo/.gitignore", "built\n");
    for ignored in ["built/a.js", "node_modules/x/index.js", "tests/server.js", "src/a.test.js", "docs/x.js"]
    {
        scratch.file(&format!("repo/{ignored}"), NODE);
    }
    let report = scratch.audit("repo");
    assert_eq!(addresses(&report), ["0.0.0.0:8080", "*:3001"]);
    assert_eq!(
        report.left_out, 4,
        "node_modules, tests, docs and a.test.js; .git and what git ignores are not counted"
    );
    assert_eq!(
        addresses(&scratch.audit("repo/tests")),
        ["*:3000"],
        "a PATH that is itself a test is taken in"
    );
}

#[test]
fn a_restricted_report_reads_everything() {
    let scratch = Scratch::with(&["repo/.git/HEAD"]);
    scratch.file("repo/etc/sysctl.d/90-low.conf", "net.core.somaxconn = 10\n");
    scratch.file("repo/a/web.conf", NGINX);
    scratch.file("repo/b/app.js", NODE);
    scratch.file("repo/c/app.js", NODE);
    let paths = ["repo/a", "repo/b"].map(|path| scratch.path(path)).to_vec();
    let report = common::audit(&Request { paths, offline: true, ..Request::default() });
    assert_eq!(addresses(&report), ["0.0.0.0:8080", "*:3000"]);
    assert_eq!(report.queues.iter().map(|queue| queue.limit).collect::<Vec<_>>(), [Some(10), Some(10)]);
}

#[test]
fn a_root_is_searched_by_place_and_its_applications_by_content() {
    let scratch = Scratch::with(&[]);
    scratch.file("root/etc/nginx/nginx.conf", &format!("events {{}}\nhttp {{\n{NGINX}}}\n"));
    scratch.file("root/etc/nginx/unused.conf", "server { listen 9999; }\n");
    scratch.file("root/srv/app/server.js", NODE);
    scratch.file("root/usr/share/doc/x/server.js", NODE);
    assert_eq!(addresses(&scratch.audit("root")), ["0.0.0.0:8080", "*:3000"]);
    assert_eq!(
        addresses(&scratch.audit("root/etc")),
        ["0.0.0.0:8080"],
        "an etc folder's PATH leaves the applications out"
    );
}

#[test]
fn a_repository_keeps_its_sysctls_where_it_likes() {
    let scratch = Scratch::with(&["repo/.git/HEAD"]);
    scratch.file("repo/deploy/sysctl.d/90-low.conf", "net.core.somaxconn = 10\n");
    scratch.file("repo/deploy/web.conf", NGINX);
    scratch.file("repo/roles/app/files/80-sysctl.conf", "net.ipv4.tcp_syncookies = 1\n");
    let report = scratch.audit("repo");
    assert_eq!(report.queues.iter().map(|queue| queue.limit).collect::<Vec<_>>(), [Some(10)]);
    let slot = report.host.places[0].sysctls.get("net.core.somaxconn").unwrap().slot.clone().unwrap();
    assert_eq!(report.sources.get(slot.span.source).name(), "deploy/sysctl.d/90-low.conf");
}

#[test]
fn files_that_contradict_each_other_are_for_several_machines() {
    let scratch = Scratch::with(&["repo/.git/HEAD"]);
    scratch.file("repo/hosts/web/etc/sysctl.d/90-low.conf", "net.core.somaxconn = 10\n");
    scratch.file(
        "repo/hosts/db/etc/sysctl.d/90-low.conf",
        "net.core.somaxconn = 5\nnet.ipv4.tcp_syncookies = 0\n",
    );
    scratch.file("repo/deploy/web.conf", NGINX);
    let report = scratch.audit("repo");
    let sysctls = &report.host.places[0].sysctls;
    let somaxconn = sysctls.get("net.core.somaxconn").unwrap();
    assert_eq!((somaxconn.number(), &somaxconn.slot, somaxconn.assignments.len()), (Some(4096), &None, 0));
    assert_eq!(sysctls.number("net.ipv4.tcp_syncookies"), Some(0));
}

#[test]
fn what_is_named_is_taken_in() {
    let scratch = Scratch::with(&["repo/.git/HEAD"]);
    scratch.file("repo/examples/a/app.js", NODE);
    scratch.file("repo/docs/web.conf", NGINX);
    scratch.file("repo/docs/other.conf", &NGINX.replace("8080", "8081"));
    let paths = ["repo/examples/a", "repo/docs/web.conf"].map(|path| scratch.path(path)).to_vec();
    let report = common::audit(&Request { paths, offline: true, ..Request::default() });
    assert_eq!(addresses(&report), ["0.0.0.0:8080", "*:3000"]);
}

#[test]
fn a_file_speaks_for_what_it_includes() {
    let scratch = Scratch::with(&[]);
    scratch.file("nginx/nginx.conf", "events {}\nhttp { include conf.d/*.conf; }\n");
    scratch.file("nginx/conf.d/web.conf", NGINX);
    assert_eq!(addresses(&scratch.audit("nginx/nginx.conf")), ["0.0.0.0:8080"]);
}

/// What an image is told to run comes to its entrypoint, which by convention ends with `exec "$@"`.
#[test]
fn an_entrypoint_runs_what_it_is_given() {
    let image = |bind: &str| {
        format!(
            "FROM python:3.13\nWORKDIR /app\nCOPY . .\nWORKDIR /app/src\nENTRYPOINT [\"/app/bin/entrypoint-web\"]\nCMD [\"gunicorn\", \"-b\", \"{bind}\", \"a:b\"]\n"
        )
    };
    let scratch = Scratch::with(&["absent/.git/HEAD", "there/.git/HEAD", "there/src/a.txt"]);
    scratch.file("absent/Dockerfile", &image(":8000"));
    assert_eq!(addresses(&scratch.audit("absent")), ["0.0.0.0:8000"]);
    scratch.file("there/Dockerfile", &image(":8000"));
    scratch.file("there/bin/entrypoint-web", "#!/bin/sh\nexec \"$1\" -b :9000 a:b\n");
    assert_eq!(addresses(&scratch.audit("there")), ["0.0.0.0:9000"], "the script that is there counts");
}

#[test]
fn a_file_that_is_named_after_its_service_is_that_whatever_is_in_it() {
    let scratch = Scratch::with(&[]);
    scratch.file("nginx.conf", "http {\n  server {\n    listen 80\n");
    scratch.file("lighttpd.conf", "server {\n");
    scratch.file("other.conf", "server {\n");
    let told = |path: &str| {
        let report = scratch.audit(path);
        report.findings.iter().map(|finding| finding.message.clone()).collect::<Vec<_>>()
    };
    let nginx = told("nginx.conf");
    assert!(matches!(&nginx[..], [one] if one.starts_with("nginx: read only in part")), "{nginx:?}");
    assert!(matches!(&told("lighttpd.conf")[..], [one] if one.starts_with("lighttpd: ")));
    assert_eq!(told("other.conf"), [""; 0]);
}
