//! Trees that spend the budgets of `src/syntax`, but for programs.

use super::tree::{Tree, lines};

const ENVOY: &str = "etc/envoy/envoy.yaml";
const CADDY: &str = "etc/caddy/Caddyfile";
const FPM: &str = "etc/php/8.2/fpm/php-fpm.conf";
const HAPROXY: &str = "etc/haproxy/haproxy.cfg";
const TOMCAT: &str = "etc/tomcat10/server.xml";
const APACHE: &str = "etc/apache2/apache2.conf";
const LIGHTTPD: &str = "etc/lighttpd/lighttpd.conf";
const SQUID: &str = "etc/squid/squid.conf";
const UWSGI: &str = "etc/uwsgi/apps-enabled/a.ini";
const JETTY: &str = "etc/jetty9/start.ini";

fn nested(open: &str, inside: &str, close: &str, depth: usize) -> String {
    format!("{}{inside}{}", open.repeat(depth), close.repeat(depth))
}

pub fn caddy_imports(tree: &Tree) {
    let imports = "import a\n".repeat(2_001);
    tree.file(CADDY, format!("(a) {{\n respond x\n}}\n:80 {{\n{imports}}}\n"));
}

pub fn caddy_words(tree: &Tree) {
    tree.file(CADDY, format!(":80 {{\n{}}}\n", "respond x\n".repeat(100_000)));
}

pub fn caddy_bytes(tree: &Tree) {
    let word = "x".repeat(1 << 20);
    tree.file(
        CADDY,
        format!("(a) {{\n {}}}\n:80 {{\nimport a {word}\n}}\n", "respond {args[0]}\n".repeat(20)),
    );
}

pub fn fpm_depth(tree: &Tree) {
    tree.file(FPM, format!("include=/{FPM}\n"));
}

pub fn fpm_files(tree: &Tree) {
    tree.file("etc/php/8.2/fpm/a.conf", "")
        .file(FPM, lines(2_048, |_| "include=/etc/php/8.2/fpm/a.conf".into()));
}

pub fn fpm_brackets(tree: &Tree) {
    let value = nested("(", "1", ")", 40);
    tree.file(FPM, format!("[www]\nlisten = 9000\npm.max_children = {value}\n"));
}

pub fn haproxy_blocks(tree: &Tree) {
    tree.file(HAPROXY, nested(".if 1\n", "", ".endif\n", 17));
}

pub fn haproxy_parentheses(tree: &Tree) {
    tree.file(HAPROXY, format!(".if {}\n.endif\n", nested("(", "1", ")", 20)));
}

pub fn haproxy_changes(tree: &Tree) {
    tree.file(HAPROXY, format!("global\n{}", lines(1_001, |number| format!(" setenv A{number} x"))));
}

pub fn haproxy_value(tree: &Tree) {
    tree.file(HAPROXY, format!("global\n setenv A {}\n", "x".repeat(9_000)));
}

pub fn haproxy_filled(tree: &Tree) {
    let set = format!(" setenv A {}\n", "x".repeat(8_000));
    tree.file(HAPROXY, format!("global\n{set}frontend \"{}\"\n", "$A".repeat(9)));
}

pub fn haproxy_words(tree: &Tree) {
    tree.file(HAPROXY, format!("global {}\n", "a ".repeat(70)));
}

pub fn apache_includes(tree: &Tree) {
    tree.file(APACHE, format!("Include /{APACHE}\n"));
}

pub fn apache_passed_over(tree: &Tree) {
    let listens = lines(66, |number| format!("Listen {}", number + 1));
    tree.file(APACHE, format!("<IfDefine no>\n{listens}</IfDefine>\n"));
}

pub fn apache_macros(tree: &Tree) {
    tree.file(APACHE, "<Macro a>\nUse a\n</Macro>\nUse a\n");
}

pub fn apache_macro_line(tree: &Tree) {
    let word = "x".repeat(5_000);
    tree.file(APACHE, format!("<Macro a $b>\nListen $b$b\n</Macro>\nUse a {word}\n"));
}

pub fn apache_read(tree: &Tree) {
    tree.file(APACHE, "IncludeOptional x\n".repeat(33_000));
}

pub fn apache_folders(tree: &Tree) {
    let deep = "d/".repeat(22);
    tree.file(&format!("etc/apache2/{deep}a.conf"), "").file(APACHE, "Include /etc/apache2/d\n");
}

pub fn apache_files(tree: &Tree) {
    tree.file(APACHE, "Include /etc/apache2/d\n");
    for number in 0..16_385 {
        tree.file(&format!("etc/apache2/d/{number}"), "");
    }
}

pub fn apache_value(tree: &Tree) {
    let value = "x".repeat(5_000);
    tree.file(APACHE, format!("Define A {value}\nDefine B ${{A}}${{A}}${{A}}\n"));
}

pub fn jboss_depth(tree: &Tree) {
    tree.file(WILDFLY, wildfly(&nested("${a:", "1", "}", 25)));
}

pub fn jboss_value(tree: &Tree) {
    tree.file(WILDFLY, wildfly(&format!("{}${{a:1}}", "x".repeat(5_000))));
}

const WILDFLY: &str = "opt/wildfly/standalone/configuration/standalone.xml";

fn wildfly(backlog: &str) -> String {
    format!(
        "<server xmlns=\"urn:jboss:domain:20.0\"><profile><subsystem xmlns=\"urn:jboss:domain:undertow:14.0\">\
         <server name=\"default\"><http-listener name=\"a\" socket-binding=\"http\" tcp-backlog=\"{backlog}\"/></server>\
         </subsystem></profile><socket-binding-group name=\"s\" port-offset=\"0\"><socket-binding name=\"http\" \
         port=\"8080\"/></socket-binding-group></server>"
    )
}

pub fn jetty_depth(tree: &Tree) {
    let properties = lines(10, |number| format!("a{number}=${{a{}}}", number + 1));
    tree.file(JETTY, format!("--module=http\njetty.http.port=${{a0}}\n{properties}a10=1\n"));
}

pub fn jetty_references(tree: &Tree) {
    let properties = lines(2_001, |number| format!("a{number}=1"));
    let references: String = (0..2_001).map(|number| format!("${{a{number}}}")).collect();
    let lists = lines(3, |_| format!("jetty.http.port+={references}"));
    tree.file(JETTY, format!("--module=http\n{lists}{properties}"));
}

pub fn jetty_value(tree: &Tree) {
    let value = "x".repeat(5_000);
    tree.file(JETTY, format!("--module=http\njetty.http.port={value}${{a}}\na=1\n"));
}

pub fn lighttpd_depth(tree: &Tree) {
    tree.file(LIGHTTPD, format!("include \"/{LIGHTTPD}\"\n"));
}

pub fn lighttpd_includes(tree: &Tree) {
    tree.file("etc/lighttpd/a.conf", "").file(LIGHTTPD, "include \"a.conf\"\n".repeat(4_097));
}

pub fn lighttpd_patterns(tree: &Tree) {
    tree.file(LIGHTTPD, format!("include \"{}\"\n", "{a,b}".repeat(9)));
}

pub fn lighttpd_blocks(tree: &Tree) {
    tree.file(LIGHTTPD, nested("$HTTP[\"host\"] == \"a\" {\n", "", "}\n", 70));
}

pub fn lighttpd_work(tree: &Tree) {
    tree.file(LIGHTTPD, format!("var.a = \"{}\"\n{}", "x".repeat(1_024), "var.a += var.a\n".repeat(14)));
}

pub fn lighttpd_lists(tree: &Tree) {
    tree.file(LIGHTTPD, format!("server.modules = {}\n", nested("(", "", ")", 70)));
}

pub fn shell_filled(tree: &Tree) {
    let script = format!("A={}\n{}gunicorn $A\n", "x".repeat(100), "A=$A$A\n".repeat(13));
    script_of(tree, &script);
}

pub fn shell_depth(tree: &Tree) {
    script_of(tree, &format!("gunicorn {}\n", nested("${A:-", "x", "}", 20)));
}

pub fn shell_commands(tree: &Tree) {
    script_of(tree, &"a\n".repeat(2_001));
}

pub fn shell_variables(tree: &Tree) {
    script_of(tree, &lines(501, |number| format!("A{number}=x")));
}

fn script_of(tree: &Tree, script: &str) {
    tree.is_repository().file("run.sh", format!("#!/bin/sh\n{script}")).file("Procfile", "web: ./run.sh\n");
}

pub fn spring_depth(tree: &Tree) {
    let properties = lines(25, |number| format!("a{number}=${{a{}}}", number + 1));
    spring(tree, &format!("server.port=${{a0}}\n{properties}"));
}

pub fn spring_maps(tree: &Tree) {
    let maps = lines(25, |number| format!("{}a:", " ".repeat(number)));
    spring(tree, "").file("src/main/resources/application.yml", format!("{maps}{}a: 1\n", " ".repeat(25)));
}

pub fn spring_value(tree: &Tree) {
    spring(tree, &format!("server.port={}${{a}}\n", "x".repeat(5_000)));
}

pub fn spring_properties(tree: &Tree) {
    spring(tree, &lines(20_001, |number| format!("a{number}=1")));
}

fn spring<'t>(tree: &'t Tree, properties: &str) -> &'t Tree {
    let starter = "<dependency><groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-web</artifactId></dependency>";
    let parent = "<parent><groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-parent</artifactId><version>3.1.0</version></parent>";
    let plugin = "<build><plugins><plugin><groupId>org.springframework.boot</groupId><artifactId>spring-boot-maven-plugin</artifactId></plugin></plugins></build>";
    let pom = format!("<project>{parent}<dependencies>{starter}</dependencies>{plugin}</project>");
    tree.is_repository().file("pom.xml", pom).file("src/main/resources/application.properties", properties)
}

pub fn squid_depth(tree: &Tree) {
    tree.file(SQUID, format!("include /{SQUID}\n"));
}

pub fn squid_includes(tree: &Tree) {
    tree.file("etc/squid/a.conf", "").file(SQUID, "include /etc/squid/a.conf\n".repeat(4_097));
}

pub fn squid_lines(tree: &Tree) {
    tree.file("etc/squid/a.conf", "a\n".repeat(350_000)).file(SQUID, "include /etc/squid/a.conf\n".repeat(3));
}

pub fn uwsgi_rounds(tree: &Tree) {
    tree.file(UWSGI, "[uwsgi]\nloop = x%(loop)\nsocket = %(loop)\n");
}

pub fn uwsgi_length(tree: &Tree) {
    let options = lines(8, |number| format!("a{} = %(a{number})%(a{number})", number + 1));
    tree.file(UWSGI, format!("[uwsgi]\na0 = {}\n{options}socket = %(a8)\n", "x".repeat(1_000)));
}

pub fn uwsgi_json(tree: &Tree) {
    let value = nested("[", "1", "]", 70);
    tree.file("etc/uwsgi/apps-enabled/a.json", format!("{{ \"uwsgi\": {{ \"socket\": {value} }} }}"));
}

pub fn uwsgi_files(tree: &Tree) {
    tree.file(UWSGI, format!("[uwsgi]\nini = /{UWSGI}\n"));
}

pub fn uwsgi_options(tree: &Tree) {
    tree.file(UWSGI, format!("[uwsgi]\n{}", "a = 1\n".repeat(5_001)));
}

pub fn uwsgi_times(tree: &Tree) {
    tree.file(UWSGI, "[uwsgi]\nfor-times = 2000\nsocket = 127.0.0.1:%(_)\nendfor =\n");
}

pub fn xml_nodes(tree: &Tree) {
    tree.file(TOMCAT, format!("<Server>{}</Server>", "<a/>".repeat(500_000)));
}

pub fn xml_attributes(tree: &Tree) {
    let attributes: String = (0..10_001).map(|number| format!(" a{number}=\"\"")).collect();
    tree.file(TOMCAT, format!("<Server{attributes}/>"));
}

pub fn xml_nesting(tree: &Tree) {
    let entities = lines(70, |number| format!("<!ENTITY e{} \"&#38;e{number};\">", number + 1));
    let entities = format!("<!DOCTYPE Server [<!ENTITY e0 \"x\">\n{entities}]>");
    tree.file(TOMCAT, format!("{entities}<Server a=\"&e70;\"/>"));
}

pub fn xml_references(tree: &Tree) {
    let references = "&e;".repeat(64_001);
    tree.file(TOMCAT, format!("<!DOCTYPE Server [<!ENTITY e \"x\">]><Server a=\"{references}\"/>"));
}

pub fn xml_entities(tree: &Tree) {
    let (entity, references) = ("x".repeat(1_000_000), "&e;".repeat(51));
    tree.file(TOMCAT, format!("<!DOCTYPE Server [<!ENTITY e \"{entity}\">]><Server a=\"{references}\"/>"));
}

pub fn yaml_size(tree: &Tree) {
    tree.padded(ENVOY, "static_resources: {}\n", 2_049);
}

pub fn yaml_depth(tree: &Tree) {
    tree.file(ENVOY, format!("static_resources: {}\n", nested("[", "", "]", 130)));
}

pub fn yaml_aliases(tree: &Tree) {
    let levels = lines(12, |number| {
        format!("a{}: &a{} [{}]", number + 1, number + 1, format!("*a{number},").repeat(9))
    });
    tree.file(ENVOY, format!("static_resources: {{}}\na0: &a0 x\n{levels}"));
}
