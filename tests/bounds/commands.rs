//! Trees that spend the budgets of `src/commands`.

use super::tree::{Tree, lines};

pub fn nested_references(tree: &Tree) {
    let nested = (0..10).fold("x".to_owned(), |inner, number| format!("${{A{number}:-{inner}}}"));
    tree.is_repository().file("compose.yaml", format!("services:\n  web:\n    command: gunicorn {nested}\n"));
}

pub fn extended_services(tree: &Tree) {
    let services = lines(10, |number| {
        format!("  s{number}:\n    extends: s{}\n    command: gunicorn app:app", number + 1)
    });
    tree.is_repository().file("compose.yaml", format!("services:\n{services}  s10:\n    image: web\n"));
}

pub fn nested_scripts(tree: &Tree) {
    for number in 0..9 {
        tree.file(&format!("run{number}.sh"), format!("#!/bin/sh\n./run{}.sh\n", number + 1));
    }
    tree.is_repository().file("Procfile", "web: ./run0.sh\n");
}

pub fn large_procfile(tree: &Tree) {
    tree.is_repository().padded("Procfile", "web: gunicorn app:app\n", 1025);
}

pub fn large_dockerfile(tree: &Tree) {
    tree.is_repository().padded("Dockerfile", "FROM python\nCMD gunicorn app:app\n", 1026);
}

pub fn large_compose(tree: &Tree) {
    tree.is_repository().padded("compose.yaml", "services:\n  web:\n    command: gunicorn app:app\n", 1027);
}

pub fn large_package(tree: &Tree) {
    let text = "{ \"scripts\": { \"start\": \"node server.js\" } }";
    tree.is_repository().file("package.json", format!("{text}{}", " ".repeat((1028 << 10) - text.len())));
}

pub fn large_unit(tree: &Tree) {
    tree.padded("etc/systemd/system/a.service", "[Service]\nExecStart=/usr/bin/gunicorn app:app\n", 1029);
}

pub fn large_supervisord(tree: &Tree) {
    tree.padded("etc/supervisor/supervisord.conf", "[program:a]\ncommand = gunicorn app:app\n", 1030);
}

pub fn many_lines(tree: &Tree) {
    for number in 0..40 {
        let text = lines(1_000, |line| format!("w{line}: worker {line}"));
        tree.file(&format!("p{number}/Procfile"), text);
    }
    tree.is_repository();
}

pub fn large_script(tree: &Tree) {
    tree.is_repository()
        .padded("run.sh", "#!/bin/sh\ngunicorn app:app\n", 257)
        .file("Procfile", "web: ./run.sh\n");
}

pub fn many_files(tree: &Tree) {
    let folder = "etc/supervisor";
    tree.file(&format!("{folder}/supervisord.conf"), "[supervisord]\n[include]\nfiles = conf.d/*.conf\n");
    for number in 0..=4_000 {
        tree.file(&format!("{folder}/conf.d/{number}.conf"), "");
    }
}

pub fn many_processes(tree: &Tree) {
    let text = "[program:a]\nnumprocs = 1001\nprocess_name = a%(process_num)d\ncommand = gunicorn app:app --bind 127.0.0.1:%(process_num)d\n";
    tree.file("etc/supervisor/supervisord.conf", text);
}

pub fn compose_filled(tree: &Tree) {
    let value = "x".repeat(1 << 10);
    let command = "$A ".repeat(300);
    tree.is_repository().file(".env", format!("A={value}\n"));
    tree.file("compose.yaml", format!("services:\n  web:\n    command: gunicorn {command}\n"));
}
