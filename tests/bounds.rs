//! Every budget, and a tree that spends it: what is cut off is told, in words that name the bound. A bound that a server or the
//! kernel has is told as what the server does.

mod bounds {
    pub mod commands;
    pub mod programs;
    pub mod rest;
    pub mod services;
    pub mod syntax;
    pub mod text;
    pub mod tree;
}

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bounds::tree::Tree;
use bounds::{commands, programs, rest, services, syntax, text};
use regex::Regex;

/// The file of a constant below `src` and its name, the rule and some words of the finding, and what makes a tree.
type Row = (&'static str, &'static str, &'static str, &'static str, fn(&Tree));

/// Sorted; a constant that has several effects has several rows.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("commands/compose.rs", "MAX_DEPTH", "cut-off", "nested references more than 8 deep", commands::nested_references),
    ("commands/compose.rs", "MAX_DEPTH", "cut-off", "services that extend each other more than 8 deep", commands::extended_services),
    ("commands/compose.rs", "MAX_FILLED", "cut-off", "only the first 256 KiB of values that are filled in", commands::compose_filled),
    ("commands/follow.rs", "MAX_DEPTH", "cut-off", "scripts that call each other more than 6 deep", commands::nested_scripts),
    ("commands/scene.rs", "MAX_FILE", "cut-off", "the audit does not read files of command lines over 1 MiB: this one has 1025 KiB", commands::large_procfile),
    ("commands/scene.rs", "MAX_FILE", "cut-off", "the audit does not read files of command lines over 1 MiB: this one has 1026 KiB", commands::large_dockerfile),
    ("commands/scene.rs", "MAX_FILE", "cut-off", "the audit does not read files of command lines over 1 MiB: this one has 1027 KiB", commands::large_compose),
    ("commands/scene.rs", "MAX_FILE", "cut-off", "the audit does not read files of command lines over 1 MiB: this one has 1028 KiB", commands::large_package),
    ("commands/scene.rs", "MAX_FILE", "cut-off", "the audit does not read files of command lines over 1 MiB: this one has 1029 KiB", commands::large_unit),
    ("commands/scene.rs", "MAX_FILE", "cut-off", "the audit does not read files of command lines over 1 MiB: this one has 1030 KiB", commands::large_supervisord),
    ("commands/scene.rs", "MAX_LOOKS", "cut-off", "only the first 50000 command lines of a tree", commands::many_lines),
    ("commands/scripts.rs", "MAX_SCRIPT", "cut-off", "the audit does not read scripts over 256 KiB: this one has 257 KiB", commands::large_script),
    ("commands/supervisor.rs", "MAX_FILES", "cut-off", "only the first 4000 files that it includes", commands::many_files),
    ("commands/supervisor.rs", "MAX_PROCESSES", "cut-off", "only the first 1000 processes of one program", commands::many_processes),
    ("config/mod.rs", "MAX_EXTENDED", "cut-off", "more than 16 policies extend one another", rest::extended_policies),
    ("discover/likely.rs", "MAX_GLANCES", "cut-off", "only the first 50000 files that may write sysctls or be templates", rest::many_scripts),
    ("discover/likely.rs", "MAX_PLACES", "cut-off", "only the first 200 places of this file that may write sysctls", rest::many_mentions),
    ("kernel/sysctl/mod.rs", "MAX_LINES", "cut-off", "only the first 20000 lines of sysctls", rest::sysctl_lines),
    ("kernel/sysctl/mod.rs", "MAX_ODD", "cut-off", "only the first 10000 lines about other keys of the network", rest::sysctl_odd),
    ("kernel/sysctl/tuned.rs", "MAX_PROFILES", "cut-off", "only the first 20 profiles of tuned", rest::tuned_profiles),
    ("services/apache.rs", "MAX_APART", "cut-off", "only the first 64 configurations that exclude each other in one folder", services::apaches_apart),
    ("services/apache.rs", "MAX_LISTENS", "cut-off", "only the first 8192 addresses of one Apache", services::apache_listens),
    ("services/caddy.rs", "MAX_SERVERS", "cut-off", "only the first 4096 servers of one Caddyfile", services::caddy_servers),
    ("services/go.rs", "MAX_CALLS", "cut-off", "only the first 2000 calls of this file that may listen", services::go_calls),
    ("services/go.rs", "MAX_LISTENERS", "cut-off", "only the first 1000 listeners of this file", services::go_listeners),
    ("services/go.rs", "MAX_NODES", "cut-off", "only the first 20000 nodes of this function", services::go_nodes),
    ("services/haproxy.rs", "MAX_AGAIN", "cut-off", "only the first 8 MiB of files that are read again", services::haproxy_again),
    ("services/haproxy.rs", "MAX_FILES", "cut-off", "only the first 16384 files of one HAProxy", services::haproxy_files),
    ("services/haproxy.rs", "MAX_LISTENERS", "cut-off", "only the first 4096 listeners of one HAProxy", services::haproxy_listeners),
    ("services/hops.rs", "MAX_HOPS", "cut-off", "only the first 524288 next hops and names of one Caddy", services::caddy_hops),
    ("services/hops.rs", "MAX_HOPS", "cut-off", "only the first 524288 next hops and names of one Caddy", services::caddy_names),
    ("services/hops.rs", "MAX_HOPS", "cut-off", "only the first 524288 next hops and names of one Envoy", services::envoy_hops),
    ("services/hops.rs", "MAX_HOPS", "cut-off", "only the first 524288 next hops and names of one HAProxy", services::haproxy_hops),
    ("services/hops.rs", "MAX_HOPS", "cut-off", "only the first 524288 next hops and names of one nginx", services::nginx_hops),
    ("services/java.rs", "MAX_FUEL", "cut-off", "only the first 50000 expressions that lead to listeners", services::java_fuel),
    ("services/java.rs", "MAX_LISTENERS", "cut-off", "only the first 1000 listeners of this file", services::java_listeners),
    ("services/jetty.rs", "MAX_CONNECTORS", "cut-off", "only the first 1000 XML files of one Jetty", services::jetty_files),
    ("services/jetty.rs", "MAX_CONNECTORS", "cut-off", "only the first 1000 connectors of one Jetty", services::jetty_connectors),
    ("services/kestrel.rs", "MAX_ADDRESSES", "cut-off", "only the first 1000 addresses of one project", services::kestrel_addresses),
    ("services/kestrel.rs", "MAX_CODE", "cut-off", "the audit does not read sources in C# over 1 MiB: this one has 1025 KiB", services::kestrel_code),
    ("services/lighttpd.rs", "MAX_BACKENDS", "cut-off", "there are more than 4096 backends in it", services::lighttpd_backends),
    ("services/lighttpd.rs", "MAX_PROCESSES", "cut-off", "only the first 256 processes of one backend", services::lighttpd_processes),
    ("services/lighttpd.rs", "MAX_SOCKETS", "cut-off", "there are more than 4096 sockets in it", services::lighttpd_sockets),
    ("services/nginx/family.rs", "MAX_APART", "cut-off", "only the first 64 configurations that exclude each other in one folder", services::nginxes_apart),
    ("services/nginx/sockets.rs", "MAX_SOCKETS", "cut-off", "only the first 65536 addresses of one nginx", services::nginx_sockets),
    ("services/nginx/walk.rs", "MAX_ADDRESSES", "cut-off", "only the first 524288 addresses that servers listen on", services::nginx_addresses),
    ("services/nginx/walk.rs", "MAX_INCLUSIONS", "cut-off", "only the first 262144 files that are included", services::nginx_inclusions),
    ("services/node/calls.rs", "MAX_NAMED", "cut-off", "only the first 1000 calls of one name", services::node_named),
    ("services/node/eval.rs", "MAX_DEPTH", "cut-off", "nested expressions more than 48 deep", services::node_depth),
    ("services/node/eval.rs", "MAX_EACH", "cut-off", "only the first 1000 values, calls and elements of each name", services::node_elements),
    ("services/node/minified.rs", "LONGEST_LINE", "cut-off", "the audit skips calls on lines over 1000 bytes, by a minifier", services::node_minified),
    ("services/node/mod.rs", "MAX_CALLS", "cut-off", "only the first 1000 calls of this file that may listen", services::node_calls),
    ("services/node/mod.rs", "MAX_EXPRESSIONS", "cut-off", "only the first 50000 expressions that lead to listeners", services::node_expressions),
    ("services/node/sites.rs", "MAX_CALLERS", "cut-off", "the audit does not follow callers of callers more than 16 deep", services::node_callers),
    ("services/program.rs", "MAX_FILES", "cut-off", "only the first 20000 files of programs that command lines start", services::program_files),
    ("services/python.rs", "MAX_CALLS", "cut-off", "only the first 2000 calls of this file that may listen", services::python_calls),
    ("services/python.rs", "MAX_OPENINGS", "cut-off", "only the first 1000 sockets that this file opens", services::python_openings),
    ("services/squid.rs", "MAX_PEERS", "cut-off", "only the first 4096 peers of one Squid", services::squid_peers),
    ("services/squid.rs", "MAX_PORTS", "unreadable", "Squid opens 128 ports and ignores the rest", services::squid_ports),
    ("services/squid.rs", "MAX_WORKERS", "cut-off", "only the first 64 workers", services::squid_workers),
    ("services/tomcat/mod.rs", "MAX_CONNECTORS", "cut-off", "only the first 4096 Connectors of one Tomcat", services::tomcat_connectors),
    ("services/tomcat/properties.rs", "MAX_VALUE", "cut-off", "values that placeholders make longer than 65536 bytes are not filled in", services::tomcat_value),
    ("services/uwsgi.rs", "MAX_VASSALS", "cut-off", "only the first 4000 vassals of one emperor", services::uwsgi_vassals),
    ("services/varnish.rs", "MAX_INCLUDES", "cut-off", "only the first 1000 files of VCL that one Varnish reads", services::varnish_includes),
    ("suppress/comments.rs", "MAX_COMMENT", "cut-off", "the audit does not read comments for backlog-audit on lines over 2 KiB: this one has 3 KiB", rest::long_comment),
    ("syntax/caddyfile/blocks.rs", "MAX_BYTES", "cut-off", "only the first 16 MiB of files, imports and variables", syntax::caddy_bytes),
    ("syntax/caddyfile/blocks.rs", "MAX_IMPORTS", "cut-off", "only the first 2000 imports", syntax::caddy_imports),
    ("syntax/caddyfile/blocks.rs", "MAX_TOKENS", "cut-off", "only the first 200000 words of a file and its imports", syntax::caddy_words),
    ("syntax/calls.rs", "MAX_CODE", "cut-off", "the audit does not read programs over 1 MiB: this one has 1025 KiB", programs::large),
    ("syntax/calls.rs", "MAX_DEPTH", "cut-off", "the audit does not read programs nested more than 2000 deep", programs::deep),
    ("syntax/calls.rs", "MAX_REPORTS", "cut-off", "the audit does not read programs that need more than 1200000 parser steps", programs::slow),
    ("syntax/fpm_conf.rs", "MAX_DEPTH", "unreadable", "it includes files more than five deep", syntax::fpm_depth),
    ("syntax/fpm_conf.rs", "MAX_FILES", "cut-off", "only the first 2048 files", syntax::fpm_files),
    ("syntax/go/build.rs", "MAX_DEPTH", "cut-off", "nested build constraints more than 32 deep", programs::go_constraint),
    ("syntax/go/files.rs", "MAX_FILES", "cut-off", "only the first 400 files of one package", programs::go_files),
    ("syntax/go/mod.rs", "MAX_CALLS", "cut-off", "only the first 1000 calls of one name", programs::go_calls),
    ("syntax/go/mod.rs", "MAX_DEPTH", "cut-off", "nested expressions more than 48 deep", programs::go_depth),
    ("syntax/go/mod.rs", "MAX_FUEL", "cut-off", "only the first 50000 expressions that lead to listeners", programs::go_fuel),
    ("syntax/go/mod.rs", "MAX_VALUES", "cut-off", "only the first 1000 bindings of one name", programs::go_values),
    ("syntax/go/types.rs", "MAX_FIELDS", "cut-off", "only the first 1000 fields of one type", programs::go_fields),
    ("syntax/haproxy/condition.rs", "MAX_DEPTH", "unreadable", "too many nested '.if'", syntax::haproxy_blocks),
    ("syntax/haproxy/condition.rs", "MAX_PARENTHESES", "cut-off", "parentheses in a condition more than 16 deep", syntax::haproxy_parentheses),
    ("syntax/haproxy/environment.rs", "MAX_CHANGES", "cut-off", "only the first 1000 changes of variables", syntax::haproxy_changes),
    ("syntax/haproxy/environment.rs", "MAX_VALUE", "cut-off", "the audit does not read values of variables over 8 KiB: this one has 9 KiB", syntax::haproxy_value),
    ("syntax/haproxy/words.rs", "MAX_EXPANDED", "cut-off", "the audit does not read values of one line over 64 KiB: this one has 71 KiB", syntax::haproxy_filled),
    ("syntax/haproxy/words.rs", "MAX_WORDS", "unreadable", "too many words", syntax::haproxy_words),
    ("syntax/hosts.rs", "MAX_ADDRESSES", "cut-off", "only the first 1000 addresses of one name", rest::many_addresses),
    ("syntax/httpd/includes.rs", "MAX_FILES", "cut-off", "only the first 16384 files and folders of one Include", syntax::apache_files),
    ("syntax/httpd/includes.rs", "MAX_FOLDERS", "unreadable", "exceeds the maximum include directory nesting level of 20", syntax::apache_folders),
    ("syntax/httpd/macros.rs", "MAX_LINE", "unreadable", "cannot substitute, buffer size too small", syntax::apache_macro_line),
    ("syntax/httpd/mod.rs", "MAX_DEPTH", "unreadable", "Exceeded maximum include depth of 100", syntax::apache_includes),
    ("syntax/httpd/mod.rs", "MAX_DEPTH", "cut-off", "nested macros more than 100 deep", syntax::apache_macros),
    ("syntax/httpd/mod.rs", "MAX_PASSED_OVER", "cut-off", "only the first 64 Listen lines in sections that do not hold", syntax::apache_passed_over),
    ("syntax/httpd/mod.rs", "MAX_READ", "cut-off", "only the first 32 MiB of files and macros", syntax::apache_read),
    ("syntax/httpd/variables.rs", "MAX_VALUE", "cut-off", "the audit does not read values of variables over 8 KiB: this one has 10 KiB", syntax::apache_value),
    ("syntax/java/built.rs", "MAX_SEEN", "cut-off", "only the first 50 places of one builder", programs::java_seen),
    ("syntax/java/eval.rs", "MAX_DEPTH", "cut-off", "nested expressions more than 60 deep", programs::java_depth),
    ("syntax/java/eval.rs", "MAX_FILES", "cut-off", "constants of other files more than 16 deep", programs::java_files),
    ("syntax/java/eval.rs", "MAX_VALUES", "cut-off", "only the first 200 uses of one name", programs::java_values),
    ("syntax/jboss.rs", "MAX_DEPTH", "cut-off", "nested expressions more than 20 deep", syntax::jboss_depth),
    ("syntax/jboss.rs", "MAX_VALUE", "cut-off", "the audit does not read values of properties over 4 KiB: this one has 5 KiB", syntax::jboss_value),
    ("syntax/jetty_start.rs", "MAX_DEPTH", "cut-off", "nested properties more than 8 deep", syntax::jetty_depth),
    ("syntax/jetty_start.rs", "MAX_REFERENCES", "cut-off", "only the first 2000 references to properties", syntax::jetty_references),
    ("syntax/jetty_start.rs", "MAX_VALUE", "cut-off", "the audit does not read values of properties over 4 KiB: this one has 5 KiB", syntax::jetty_value),
    ("syntax/lighttpd/include.rs", "MAX_DEPTH", "cut-off", "includes more than 32 deep", syntax::lighttpd_depth),
    ("syntax/lighttpd/include.rs", "MAX_INCLUDES", "cut-off", "only the first 4096 included files", syntax::lighttpd_includes),
    ("syntax/lighttpd/include.rs", "MAX_PATTERNS", "cut-off", "only the first 256 patterns that braces make", syntax::lighttpd_patterns),
    ("syntax/lighttpd/mod.rs", "MAX_DEPTH", "cut-off", "nested blocks more than 64 deep", syntax::lighttpd_blocks),
    ("syntax/lighttpd/mod.rs", "MAX_WORK", "cut-off", "only the first 8388608 words and bytes that are put together", syntax::lighttpd_work),
    ("syntax/lighttpd/words.rs", "MAX_DEPTH", "unreadable", "lists in lists are nested too deeply", syntax::lighttpd_lists),
    ("syntax/php_ini.rs", "MAX_DEPTH", "cut-off", "brackets and signs more than 32 deep", syntax::fpm_brackets),
    ("syntax/python/eval.rs", "MAX_TEXT", "cut-off", "the audit does not read texts that are put together over 4 KiB: this one has 5 KiB", programs::python_text),
    ("syntax/python/mod.rs", "MAX_CALLS", "cut-off", "only the first 1000 calls of one name", programs::python_calls),
    ("syntax/python/mod.rs", "MAX_DEPTH", "cut-off", "nested expressions more than 48 deep", programs::python_depth),
    ("syntax/python/mod.rs", "MAX_FUEL", "cut-off", "only the first 50000 expressions that lead to listeners", programs::python_fuel),
    ("syntax/python/mod.rs", "MAX_VALUES", "cut-off", "only the first 1000 calls of one function", programs::python_values),
    ("syntax/python/program.rs", "MAX_DEPTH", "cut-off", "imports from file to file more than 16 deep", programs::python_imports),
    ("syntax/python/program.rs", "MAX_FUEL", "cut-off", "only the first 1000 expressions that lead to listeners", programs::python_fuel_elsewhere),
    ("syntax/python/program.rs", "MAX_QUESTIONS", "cut-off", "only the first 1000 names of other files", programs::python_questions),
    ("syntax/ruby/eval.rs", "MAX_TEXT", "cut-off", "the audit does not read texts that are put together over 4 KiB: this one has 5 KiB", programs::ruby_text),
    ("syntax/ruby/mod.rs", "MAX_DEPTH", "cut-off", "nested expressions more than 48 deep", programs::ruby_depth),
    ("syntax/ruby/mod.rs", "MAX_DIRECTIVES", "cut-off", "only the first 1000 directives", programs::ruby_directives),
    ("syntax/ruby/mod.rs", "MAX_FUEL", "cut-off", "only the first 20000 expressions that lead to listeners", programs::ruby_fuel),
    ("syntax/ruby/mod.rs", "MAX_VALUES", "cut-off", "only the first 1000 assignments of one name", programs::ruby_values),
    ("syntax/shell.rs", "MAX_COMMANDS", "cut-off", "only the first 2000 commands of one script", syntax::shell_commands),
    ("syntax/shell.rs", "MAX_DEPTH", "cut-off", "nested references more than 16 deep", syntax::shell_depth),
    ("syntax/shell.rs", "MAX_EXPANDED", "cut-off", "only the first 256 KiB of values that are filled in", syntax::shell_filled),
    ("syntax/shell.rs", "MAX_VARIABLES", "cut-off", "only the first 500 variables", syntax::shell_variables),
    ("syntax/spring.rs", "MAX_DEPTH", "cut-off", "nested maps more than 20 deep", syntax::spring_maps),
    ("syntax/spring.rs", "MAX_DEPTH", "cut-off", "nested placeholders more than 20 deep", syntax::spring_depth),
    ("syntax/spring.rs", "MAX_PROPERTIES", "cut-off", "only the first 20000 properties", syntax::spring_properties),
    ("syntax/spring.rs", "MAX_VALUE", "cut-off", "the audit does not read values of properties over 4 KiB: this one has 5 KiB", syntax::spring_value),
    ("syntax/squid.rs", "MAX_DEPTH", "unreadable", "includes are nested too deeply (>16)", syntax::squid_depth),
    ("syntax/squid.rs", "MAX_INCLUDES", "cut-off", "only the first 4096 included files", syntax::squid_includes),
    ("syntax/squid.rs", "MAX_LINES", "cut-off", "only the first 1048576 lines", syntax::squid_lines),
    ("syntax/startup.rs", "MAX_TAKEN_IN", "cut-off", "only the first 2000 files that this one includes", services::program_imports),
    ("syntax/sysctl_line.rs", "MAX_PATTERNS", "cut-off", "only the first 64 patterns that braces make", rest::sysctl_patterns),
    ("syntax/uwsgi/fill.rs", "MAX_LENGTH", "cut-off", "the audit does not read values of options over 64 KiB", syntax::uwsgi_length),
    ("syntax/uwsgi/fill.rs", "MAX_ROUNDS", "cut-off", "only the first 200 placeholders of one option", syntax::uwsgi_rounds),
    ("syntax/uwsgi/json.rs", "MAX_DEPTH", "cut-off", "objects and lists more than 64 deep", syntax::uwsgi_json),
    ("syntax/uwsgi/mod.rs", "MAX_DEPTH", "cut-off", "files that name each other more than 16 deep", syntax::uwsgi_files),
    ("syntax/uwsgi/mod.rs", "MAX_OPTIONS", "cut-off", "only the first 5000 options", syntax::uwsgi_options),
    ("syntax/uwsgi/mod.rs", "MAX_TIMES", "cut-off", "only the first 1000 rounds of a loop", syntax::uwsgi_times),
    ("syntax/xml/entities.rs", "MAX_ENTITY_BYTES", "unreadable", "the entities come to more than 50000000 bytes", syntax::xml_entities),
    ("syntax/xml/entities.rs", "MAX_NESTING", "cut-off", "nested entities more than 64 deep", syntax::xml_nesting),
    ("syntax/xml/entities.rs", "MAX_REFERENCES", "unreadable", "there are more than 64000 references to entities", syntax::xml_references),
    ("syntax/xml/mod.rs", "MAX_ATTRIBUTES", "unreadable", "an element has more than 10000 attributes", syntax::xml_attributes),
    ("syntax/xml/mod.rs", "MAX_NODES", "cut-off", "only the first 500000 elements and attributes", syntax::xml_nodes),
    ("syntax/yaml.rs", "MAX_ALIASED", "cut-off", "only the first 100000 values behind anchors and aliases", syntax::yaml_aliases),
    ("syntax/yaml.rs", "MAX_DEPTH", "cut-off", "lists and maps more than 120 deep", syntax::yaml_depth),
    ("syntax/yaml.rs", "MAX_YAML", "cut-off", "the audit does not read YAML files over 2 MiB: this one has 2049 KiB", syntax::yaml_size),
    ("text/tree/ignores.rs", "MAX_BYTES", "cut-off", "only the first 256 KiB of patterns of a folder's ignore files", text::long_ignores),
    ("text/tree/ignores.rs", "MAX_PATTERNS", "cut-off", "only the first 4000 patterns of a folder's ignore files", text::many_ignores),
    ("text/tree/matching.rs", "MAX_NAMES", "cut-off", "tested on more than 33554432 names", text::many_names),
    ("text/tree/matching.rs", "MAX_PATHS", "cut-off", "match more than 524288 paths", text::many_paths),
    ("text/tree/matching.rs", "MAX_REPEATS", "cut-off", "reaches the same files more than 1000 times", text::links_that_go_round),
    ("text/tree/mod.rs", "MAX_FILE", "unreadable", "it has 9 MiB, and the audit does not read files over 8 MiB", text::large_file),
    ("text/tree/mod.rs", "MAX_FILE", "cut-off", "the audit reads what this excludes: it has 9 MiB", text::large_ignores),
];

/// Where numbers bound no reading: the reports say themselves what they leave out, and arithmetic is the kernel's.
const ELSEWHERE: [&str; 2] = ["report/", "kernel/listen.rs"];

/// How long one audit may take, in a build without optimisation and beside others.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn what_a_bound_cuts_off_is_told() {
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let asked = std::env::var("BOUND").unwrap_or_default();
    let work = || {
        while let Some(row) = ROWS.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (file, name, ..) = row;
            let wanted = format!("{file} {name}").contains(&asked);
            failed.lock().unwrap().extend(wanted.then(|| fault(row)).flatten());
        }
    };
    std::thread::scope(|threads| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            threads.spawn(work);
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn fault((file, name, rule, words, build): &Row) -> Option<String> {
    let tree = Tree::default();
    build(&tree);
    let start = Instant::now();
    let said = tree.audit(rule);
    let took = start.elapsed();
    if std::env::var_os("TIMES").is_some() {
        eprintln!("{took:7.2?} {file} {name}");
    }
    let found = said.iter().any(|message| message.contains(words));
    match () {
        () if !found => Some(format!("{file}: {name}: no {rule} says {words:?}: {said:#?}")),
        () if took > PATIENCE => Some(format!("{file}: {name}: took {took:?}")),
        () => None,
    }
}

#[test]
fn one_file_that_many_name_is_told_once() {
    let tree = Tree::default();
    tree.padded("etc/default/shared", "A=1\n", 9 << 10).link("shared", "etc/default/linked");
    for number in 0..60 {
        let file = ["shared", "linked"][number % 2];
        let unit = format!("[Service]\nEnvironmentFile=/etc/default/{file}\nExecStart=/usr/bin/gunicorn a\n");
        tree.file(&format!("etc/systemd/system/u{number}.service"), unit);
    }
    let said = tree.audit("cut-off");
    assert_eq!(said.len(), 1, "{said:#?}");
}

#[test]
fn what_people_write_reaches_no_bound() {
    for build in [programs::go_plain, programs::java_plain, programs::python_plain, programs::ruby_plain] {
        let tree = Tree::default();
        build(&tree);
        assert_eq!(tree.audit("cut-off"), [""; 0]);
    }
    let tree = Tree::default();
    services::node_plain(&tree);
    assert_eq!(tree.audit("cut-off"), [""; 0]);
}

#[test]
fn every_bound_has_a_row() {
    let bounds = bounds_of(Path::new("src"));
    let rows: BTreeSet<(&str, &str)> = ROWS.iter().map(|(file, name, ..)| (*file, *name)).collect();
    let is_known = |(file, name): &&(String, String)| rows.contains(&(file.as_str(), name.as_str()));
    let is_bound = |name: &str| ["MAX", "MOST", "MANY"].iter().any(|word| is_called(name, word));
    let without: Vec<_> =
        bounds.iter().filter(|(_, name)| is_bound(name)).filter(|it| !is_known(it)).collect();
    assert!(without.is_empty(), "bounds without a tree that reaches them: {without:#?}");
    let is_there = |(file, name): &&(&str, &str)| bounds.contains(&((*file).to_owned(), (*name).to_owned()));
    let gone: Vec<_> = rows.iter().filter(|row| !is_there(row)).collect();
    assert!(gone.is_empty(), "rows of constants that there are not: {gone:#?}");
    assert!(
        ROWS.is_sorted_by_key(|(file, name, _, words, _)| (file, name, words)),
        "the rows are not sorted"
    );
}

fn is_called(name: &str, word: &str) -> bool {
    name == word || name.strip_prefix(word).is_some_and(|rest| rest.starts_with('_'))
}

/// All numeric constants, with their files below `src`.
fn bounds_of(top: &Path) -> BTreeSet<(String, String)> {
    let constant = Regex::new(
        r"(?m)^ *(?:pub(?:\([a-z ]+\))? )?const ([A-Z0-9_]+): (?:[iu](?:8|16|32|64|128|size)|f32|f64)\b",
    )
    .unwrap();
    let mut found = BTreeSet::new();
    for path in sources(top) {
        let file = path.strip_prefix(top).unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        if !ELSEWHERE.iter().any(|elsewhere| file.starts_with(elsewhere)) {
            found.extend(constant.captures_iter(&text).map(|it| (file.clone(), it[1].to_owned())));
        }
    }
    assert!(found.len() > 50, "{found:#?}");
    found
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        match entry.is_dir() {
            true => found.extend(sources(&entry)),
            false => found.extend(entry.extension().is_some_and(|it| it == "rs").then_some(entry)),
        }
    }
    found.sort();
    found
}
