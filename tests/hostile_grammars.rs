//! Each grammar against each way to make a reader hang, blow up or fall: every audit ends soon, in little memory, without panic.

mod common;

use common::hostile::Hostile;

/// How long the long files are, in bytes.
const LONG: usize = 1 << 17;
/// How long those are of which each line opens something.
const MANY: usize = 1 << 17;
/// How deep the deep ones are.
const DEEP: usize = 30_000;

/// What a grammar offers to those who mean harm; `N` is a number that grows, `M` the one before it, and `&` the path of the file
/// that an include reads.
#[derive(Clone, Copy)]
struct Grammar {
    path: &'static str,
    /// What stands beside it, so that the file is read.
    beside: &'static [(&'static str, &'static str)],
    head: &'static str,
    tail: &'static str,
    /// A line that opens a socket.
    line: &'static str,
    /// What may stand in itself.
    opens: &'static [&'static str],
    /// What reads a file.
    include: &'static str,
    /// The name of a second file that it may read.
    other: &'static str,
    /// What says the same thing twice that the line before has said.
    double: &'static str,
    /// What puts the last of them to use.
    used: &'static str,
}

const NONE: Grammar = Grammar {
    path: "",
    beside: &[],
    head: "",
    tail: "",
    line: "",
    opens: &[],
    include: "",
    other: "",
    double: "",
    used: "",
};

const GRAMMARS: &[Grammar] = &[
    Grammar {
        path: "etc/apache2/apache2.conf",
        line: "Listen N\n",
        opens: &["<IfModule !a.c>\n", "<VirtualHost *:80>\n", "<If \"(", "Listen ${", "<Macro a>\n"],
        include: "Include /&\n",
        other: "etc/apache2/other.conf",
        double: "Define vN ${vM}${vM}\n",
        used: "Listen ${vN}\n",
        ..NONE
    },
    Grammar {
        path: "etc/apache2/conf-enabled/macros.conf",
        beside: &[("etc/apache2/apache2.conf", "Include conf-enabled/*.conf\nListen 80\n")],
        line: "Use a N\n",
        head: "<Macro a $b>\nListen $b\n</Macro>\n",
        double: "<Macro mN>\nUse mM\nUse mM\n</Macro>\n",
        used: "Use mN\n",
        ..NONE
    },
    Grammar {
        path: "etc/haproxy/haproxy.cfg",
        head: "listen a\n",
        line: "  bind :N backlog 9\n",
        opens: &[
            ".if defined(A)\n",
            "  bind \"${A-",
            "  bind :80,",
            "  http-request deny if { ",
            "(",
            ".if not(",
        ],
        double: "global\n  setenv vN \"${vM}${vM}\"\n",
        used: "listen b\n  bind \"*:${vN}\"\n",
        ..NONE
    },
    Grammar {
        path: "etc/haproxy/haproxy.cfg",
        line: "frontend aN\n  bind :N\n",
        opens: &["frontend a\nfrontend b\n"],
        double: "defaults vN from vM\n",
        used: "frontend a from vN\n  bind :80\n",
        ..NONE
    },
    Grammar {
        path: "etc/lighttpd/lighttpd.conf",
        head: "server.port = 80\n",
        line: "$SERVER[\"socket\"] == \":N\" {}\n",
        opens: &[
            "$HTTP[\"host\"] == \"a\" {\n",
            "a = (",
            "else ",
            "a += (",
            "a = \"b\" + ",
            "$HTTP[\"a\"] == \"b\" { } else ",
        ],
        include: "include \"/&\"\n",
        other: "etc/lighttpd/other.conf",
        double: "var.vN = var.vM + var.vM\n",
        used: "server.port = var.vN\n",
        ..NONE
    },
    Grammar {
        path: "etc/php/8.2/fpm/php-fpm.conf",
        line: "[aN]\nlisten = N\n",
        opens: &["a[", "listen = ${", "[", "listen = (", "listen = \"${a}", "listen = !"],
        include: "include=/&\n",
        other: "etc/php/8.2/fpm/other.conf",
        ..NONE
    },
    Grammar {
        path: "etc/uwsgi/apps-enabled/a.ini",
        head: "[uwsgi]\n",
        line: "socket = :N\n",
        opens: &["if-env = A\n", "for = a b\n", "socket = %(", "[", "socket = $(", "socket = @("],
        include: "ini = /&\n",
        other: "etc/uwsgi/other.ini",
        double: "vN = %(vM)%(vM)\n",
        used: "socket = :%(vN)\n",
        ..NONE
    },
    Grammar {
        path: "etc/uwsgi/apps-enabled/a.ini",
        head: "[uwsgi]\n",
        line: "for = 1 2 3 4 5 6 7 8 9\nsocket = :N%(_)\nendfor =\n",
        opens: &["for-times = 100\n", "for-glob = /*\n"],
        ..NONE
    },
    Grammar {
        path: "etc/uwsgi/apps-enabled/a.xml",
        head: "<uwsgi>\n",
        tail: "</uwsgi>\n",
        line: "<socket>:N</socket>\n",
        opens: &["<a>", "<!--", "<![CDATA[", "<a b=", "<?", "<!DOCTYPE a ["],
        ..NONE
    },
    Grammar {
        path: "etc/uwsgi/apps-enabled/a.yaml",
        head: "uwsgi:\n",
        line: "  socket: :N\n",
        opens: &["[", "{a: ", "- ", "? ", "&a ", "!a ", "'", "> "],
        ..NONE
    },
    Grammar {
        path: "etc/uwsgi/apps-enabled/a.json",
        head: "{\"uwsgi\": {\"socket\": [\":1\"\n",
        tail: "]}}\n",
        line: ",\":N\"\n",
        opens: &[",[", ",{\"a\":", ",\"\\", "/*"],
        ..NONE
    },
    Grammar {
        path: "srv/app/gunicorn.conf.py",
        line: "bind = ':N'\n",
        opens: &PYTHON,
        double: "vN = vM + vM\n",
        used: "bind = ':' + vN\n",
        ..NONE
    },
    Grammar {
        path: "srv/app/app.py",
        head: "import socket\n",
        line: "socket.create_server(('', N))\n",
        opens: &PYTHON,
        double: "vN = vM + vM\n",
        used: "socket.create_server(('', vN))\n",
        ..NONE
    },
    Grammar {
        path: "srv/app/functions.py",
        head: "import socket\nv0 = 80\n",
        line: "def aN():\n    s = socket.socket()\n    s.bind(('', N))\n    s.listen(N)\n",
        double: "def vN():\n    return vM() + vM()\n",
        used: "socket.create_server(('', vN()))\n",
        ..NONE
    },
    Grammar {
        path: "srv/app/config/puma.rb",
        line: "bind 'tcp://0.0.0.0:N'\n",
        opens: &RUBY,
        double: "vN = \"#{vM}#{vM}\"\n",
        used: "bind \"tcp://0.0.0.0:#{vN}\"\n",
        ..NONE
    },
    Grammar {
        path: "srv/app/unicorn.rb",
        line: "listen N\n",
        opens: &RUBY,
        double: "vN = vM + vM\n",
        used: "listen vN\n",
        ..NONE
    },
    Grammar {
        path: "etc/envoy/envoy.yaml",
        head: "static_resources:\n  listeners:\n",
        line: "  - {name: aN, address: {socket_address: {address: 0.0.0.0, port_value: N}}}\n",
        opens: &["[", "{a: ", "- ", "  - {address: ", "? ", "&a ", "|\n"],
        ..NONE
    },
    Grammar {
        path: "etc/envoy/envoy.json",
        head: "{\"static_resources\": {\"listeners\": [{}\n",
        tail: "]}}\n",
        line: ", {\"address\": {\"socket_address\": {\"address\": \"0.0.0.0\", \"port_value\": N}}}\n",
        opens: &[",[", ",{\"a\":", ",{\"address\":"],
        ..NONE
    },
    Grammar {
        path: "etc/systemd/system/varnish.service",
        head: "[Service]\nExecStart=/usr/sbin/varnishd -F \\\n",
        line: "  -a :N \\\n",
        opens: &["-a ", "-p a=", "\"", "$", "${"],
        double: "\n[Service]\nEnvironment=vN=${vM}${vM}\n",
        used: "\nExecStart=/usr/sbin/varnishd -a :${vN}\n",
        ..NONE
    },
    Grammar {
        path: "etc/squid/squid.conf",
        line: "http_port N\n",
        opens: &["if true\n", "if 1 = 1\nelse\n", "http_port ${", "http_port \"", "acl a port "],
        include: "include /&\n",
        other: "etc/squid/other.conf",
        ..NONE
    },
    Grammar {
        path: "etc/caddy/Caddyfile",
        line: ":N {\n}\n",
        opens: &[":80 {\nhandle {\n", "{", "{$A:", ":80, ", "import ", "(a) {\n", "<<", "`"],
        include: "import /&\n",
        other: "etc/caddy/other.caddy",
        double: "(vN) {\nimport vM\nimport vM\n}\n",
        used: ":80 {\nimport vN\n}\n",
        ..NONE
    },
    Grammar {
        path: "etc/traefik/traefik.yaml",
        head: "entryPoints:\n",
        line: "  aN:\n    address: \":N\"\n",
        opens: &["[", "{a: ", "- ", "? "],
        ..NONE
    },
    Grammar {
        path: "etc/traefik/traefik.toml",
        line: "[entryPoints.aN]\naddress = \":N\"\n",
        opens: &["[", "a = [", "a = {b = ", "[entryPoints.a.", "a."],
        ..NONE
    },
    Grammar {
        path: "srv/app/start.ini",
        head: "--module=http\n",
        line: "jetty.http.port=N\n",
        opens: &["jetty.http.port=${", "--module=", "etc/"],
        double: "vN=${vM}${vM}\n",
        used: "jetty.http.port=${vN}\n",
        ..NONE
    },
    Grammar {
        path: "etc/jetty9/jetty-http.xml",
        beside: &[("etc/jetty9/start.ini", "--module=http\netc/jetty-http.xml\n")],
        head: "<Configure class=\"org.eclipse.jetty.server.Server\">\n",
        tail: "</Configure>\n",
        line: "<Call name=\"addConnector\"><Arg><New class=\"org.eclipse.jetty.server.ServerConnector\"><Set name=\"port\">N</Set></New></Arg></Call>\n",
        opens: &["<Call>", "<Set name=\"port\"><Property><Default>", "<New>"],
        ..NONE
    },
    Grammar {
        path: "opt/wildfly/standalone/configuration/standalone.xml",
        head: "<server xmlns=\"urn:jboss:domain:20.0\"><subsystem xmlns=\"urn:jboss:domain:undertow:12.0\"><server name=\"a\">\n",
        tail: "</server></subsystem><socket-binding-group><socket-binding name=\"a1\" port=\"80\"/></socket-binding-group></server>\n",
        line: "<http-listener name=\"bN\" socket-binding=\"a1\"/>\n",
        opens: &["<a>", "<http-listener>", "<http-listener name=\"a\" socket-binding=\"${a:"],
        double: "<property name=\"vN\" value=\"${vM}${vM}\"/>\n",
        used: "<http-listener name=\"c\" socket-binding=\"${vN}\"/>\n",
        ..NONE
    },
    Grammar {
        path: "srv/app/src/main/resources/application.yml",
        beside: &[SPRING],
        line: "---\nserver.port: N\n",
        opens: &["[", "{a: ", "- ", "server.port: ${a:"],
        double: "vN: ${vM}${vM}\n",
        used: "server.port: ${vN}\n",
        ..NONE
    },
    Grammar {
        path: "srv/app/src/main/resources/application.properties",
        beside: &[SPRING],
        line: "server.port=N\n",
        opens: &["server.port=${a:", "\\", "\\u0041", "a.", "a[0]."],
        double: "vN=${vM}${vM}\n",
        used: "server.port=${vN}\n",
        ..NONE
    },
    Grammar {
        path: "srv/app/pom.xml",
        head: "<project><dependencies><dependency><artifactId>spring-boot-starter-web</artifactId></dependency>\n",
        tail: "</dependencies></project>\n",
        line: "<dependency><artifactId>aN</artifactId></dependency>\n",
        opens: &["<a>", "<dependency>", "<properties>"],
        double: "<properties><vN>${vM}${vM}</vN></properties>\n",
        used: "<version>${vN}</version>\n",
        ..NONE
    },
    Grammar {
        path: "srv/app/Program.cs",
        beside: &[("srv/app/app.csproj", "<Project Sdk=\"Microsoft.NET.Sdk.Web\"></Project>\n")],
        head: "var builder = WebApplication.CreateBuilder(args);\n",
        line: "app.Urls.Add(\"http://*:N\");\n",
        opens: &[
            "a(",
            "{ ",
            "\"{",
            "$\"{",
            "builder.WebHost.UseUrls(",
            "builder.WebHost.ConfigureKestrel(a => ",
            "/*",
            "@\"",
        ],
        double: "var vN = vM + vM;\n",
        used: "app.Urls.Add(vN);\n",
        ..NONE
    },
    Grammar {
        path: "srv/app/Main.java",
        head: "import java.net.*; class Main { static int v0 = 9; void a() throws Exception {\n",
        tail: "}}\n",
        line: "new ServerSocket(N, 9);\n",
        opens: &[
            "a(() -> { ",
            "{ ",
            "a(",
            "new A(new ",
            "a = b ? ",
            "if (a) ",
            "class B { ",
            "a[",
            "/*",
            "\"\"\"",
            "List<",
        ],
        double: "int vN = vM + vM;\n",
        used: "new ServerSocket(vN, vN);\n",
        ..NONE
    },
    Grammar {
        path: "srv/app/Constants.java",
        head: "import java.net.*; class Constants { static int v0() { return 9; }\n",
        tail: "}\n",
        line: "void aN() { new ServerSocket(N); }\n",
        double: "static int vN() { return vM() + vM(); }\n",
        used: "void a() { new ServerSocket(vN()); }\n",
        ..NONE
    },
    Grammar {
        path: "srv/app/server.js",
        head: "const server = require('http').createServer();\n",
        line: "server.listen(N, 9);\n",
        opens: &["a(", "{", "[", "f(function () { ", "`${", "a ? ", "if (a) ", "/*", "class A { a() { "],
        double: "const vN = vM + vM;\n",
        used: "server.listen(vN);\n",
        ..NONE
    },
    Grammar {
        path: "srv/app/functions.js",
        head: "const server = require('http').createServer(); const v0 = () => 80;\n",
        line: "function aN() { server.listen(N); }\n",
        double: "const vN = () => vM() + vM();\n",
        used: "server.listen(vN());\n",
        ..NONE
    },
    Grammar {
        path: "etc/systemd/system/app.service",
        head: "[Service]\nWorkingDirectory=/srv/app\n",
        line: "ExecStart=/usr/bin/gunicorn -b :N app:app\n",
        opens: &[
            "ExecStart=/usr/bin/gunicorn \"",
            "ExecStart=",
            "\\\n",
            "ExecStart=/bin/sh -c '",
            "ExecStart=/usr/bin/env ",
            "%",
            "[",
        ],
        double: "Environment=vN=${vM}${vM}\n",
        used: "ExecStart=/usr/bin/gunicorn -b :${vN} app:app\n",
        ..NONE
    },
    Grammar {
        path: "etc/systemd/system/app.service",
        head: "[Service]\nExecStart=/usr/bin/gunicorn -b :$A app:app\n",
        line: "Environment=AN=N\n",
        include: "EnvironmentFile=/&\n",
        other: "etc/default/app",
        ..NONE
    },
    Grammar {
        path: "srv/app/Dockerfile",
        head: "FROM python:3\n",
        line: "CMD gunicorn -b :N app:app\n",
        opens: &[
            "ENV a=${b:-",
            "RUN <<A <<",
            "CMD [",
            "CMD \"",
            "CMD $(",
            "CMD a && ",
            "\\\n",
            "CMD sh -c '",
            "COPY a ",
            "CMD if a; then ",
        ],
        double: "ENV vN=${vM}${vM}\n",
        used: "CMD gunicorn -b :${vN} app:app\n",
        ..NONE
    },
    Grammar {
        path: "srv/app/Dockerfile",
        head: "FROM python:3 AS v0\n",
        line: "FROM a AS bN\nCMD gunicorn -b :N app:app\n",
        double: "FROM vM AS vN\nCOPY --from=vM a b\nENV a$N=N\n",
        used: "FROM vN\nCMD gunicorn -b :80 app:app\n",
        ..NONE
    },
    Grammar {
        path: "srv/app/docker-compose.yml",
        head: "services:\n",
        line: "  aN: {image: python, command: \"gunicorn -b :N app:app\"}\n",
        opens: &["[", "{a: ", "- ", "  a: {command: \"${a:-", "  a: {extends: "],
        include: "include: [/&]\n",
        other: "srv/app/other.yml",
        double: "  vN: {extends: vM, command: \"gunicorn -b :N\"}\n",
        used: "  b: {extends: vN}\n",
        ..NONE
    },
    Grammar {
        path: "srv/app/Procfile",
        line: "aN: gunicorn -b :N app:app\n",
        opens: &[
            "a: ${a:-",
            "a: sh -c \"",
            "a: $(",
            "a: (",
            "a: b && ",
            "a: { ",
            "a: env ",
            "a: exec ",
            "a: `",
            "a: if ",
        ],
        double: "a: vN=$vM$vM; ",
        used: "gunicorn -b :$vN app:app\n",
        ..NONE
    },
    Grammar {
        path: "etc/supervisor/supervisord.conf",
        head: "[supervisord]\n",
        line: "[program:aN]\ncommand=gunicorn -b :N app:app\n",
        opens: &["%(", "[", "command=\"", " a\n", "[program:a]\ncommand=sh -c '"],
        include: "[include]\nfiles = /&\n",
        other: "etc/supervisor/other.conf",
        double: "[program:a]\nenvironment=vN=\"%(ENV_vM)s%(ENV_vM)s\"\n",
        used: "command=gunicorn -b :%(ENV_vN)s app:app\n",
        ..NONE
    },
    Grammar {
        path: "srv/app/.env",
        beside: &[("srv/app/Procfile", "web: gunicorn -b :$v30 app:app\n")],
        line: "PORT=N\n",
        opens: &["A=${a:-", "A=\"", "A='", "A=$(", "export "],
        double: "vN=${vM}${vM}\n",
        used: "PORT=$vN\n",
        ..NONE
    },
    Grammar {
        path: "srv/app/start.sh",
        beside: &[("srv/app/Dockerfile", "FROM python:3\nCOPY . .\nENTRYPOINT [\"./start.sh\"]\n")],
        head: "#!/bin/sh\n",
        line: "gunicorn -b :N app:app\n",
        opens: &[
            "a=${a:-",
            "gunicorn -b :${a:-${a:-",
            "if a; then ",
            "$(",
            "`",
            "(",
            "{ ",
            "case a in a) ",
            "a() { ",
            "a | ",
            "a && ",
            "cat <<A\n",
            "while a; do ",
            "gunicorn \"$(",
            "gunicorn \"${a:-",
            "exec env ",
            "set -- ",
            "gunicorn $((",
        ],
        include: ". /&\n",
        other: "srv/app/other.sh",
        double: "vN=$vM$vM\n",
        used: "gunicorn -b :$vN app:app\n",
        ..NONE
    },
    Grammar {
        path: "srv/app/package.json",
        beside: &[
            ("srv/app/Procfile", "web: npm run v30\n"),
            ("srv/app/server.js", "require('http').createServer().listen(80);\n"),
        ],
        head: "{\"name\": \"a\", \"scripts\": {\"v0\": \"node server.js\"\n",
        tail: "}}\n",
        line: ",\"aN\": \"node server.js\"\n",
        opens: &[",[", ",{\"a\":", ",\"start\": \"npm start && "],
        double: ",\"vN\": \"npm run vM && npm run vM\"\n",
        used: ",\"start\": \"npm run vN\"\n",
        ..NONE
    },
    Grammar {
        path: "etc/nginx/nginx.conf",
        head: "events {}\nhttp {\n",
        tail: "}\n",
        line: "server { listen N; }\n",
        opens: &["{", "a {", "server {", "\"", "if (", "\\", "${"],
        include: "include /&;\n",
        other: "etc/nginx/other.conf",
        double: "upstream vN { server vM; server vM; }\n",
        used: "server { location / { proxy_pass http://vN; } }\n",
        ..NONE
    },
    Grammar {
        path: "etc/tomcat10/server.xml",
        head: "<Server port=\"-1\"><Service name=\"a\">\n",
        tail: "</Service></Server>\n",
        line: "<Connector port=\"N\"/>\n",
        opens: &["<a>", "<Connector>", "<Connector port=\"${"],
        ..NONE
    },
    Grammar {
        path: "etc/tomcat10/catalina.properties",
        beside: &[(
            "etc/tomcat10/server.xml",
            "<Server port=\"-1\"><Service name=\"a\"><Connector port=\"${v30}\"/></Service></Server>\n",
        )],
        line: "aN=N\n",
        opens: &["a=${", "\\"],
        double: "vN=${vM}${vM}\n",
        ..NONE
    },
    Grammar {
        path: "srv/app/unit.json",
        head: "{\"listeners\": {\"*:1\": {\"pass\": \"a\"}\n",
        tail: "}}\n",
        line: ",\"*:N\": {\"pass\": \"a\"}\n",
        opens: &[",[", ",{\"a\":"],
        ..NONE
    },
    Grammar {
        path: "srv/app/hypercorn.toml",
        beside: &[("srv/app/Procfile", "web: hypercorn -c hypercorn.toml app:app\n")],
        head: "backlog = 9\nbind = [\n",
        tail: "]\n",
        line: "\":N\",\n",
        opens: &["[", "{a = "],
        ..NONE
    },
    Grammar {
        path: "etc/sysctl.d/90-a.conf",
        line: "net.core.somaxconn = N\n",
        opens: &["net.", "*", "-", "/"],
        ..NONE
    },
    Grammar {
        path: "etc/hosts",
        beside: &[("etc/nginx/nginx.conf", "events {} http { server { listen a:80; } }\n")],
        line: "127.0.0.1 a aN\n",
        opens: &["a ", "#"],
        ..NONE
    },
];

const SPRING: (&str, &str) = (
    "srv/app/pom.xml",
    "<project><dependencies><dependency><groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-web</artifactId></dependency></dependencies></project>\n",
);
const PYTHON: [&str; 14] = [
    "f((",
    "[",
    "{1: ",
    "a if b else ",
    "lambda: ",
    "if a:\n ",
    "f'{",
    "a.",
    "a + ",
    "not ",
    "def a(): ",
    "'''",
    "a[",
    "class A: ",
];
const RUBY: [&str; 14] = [
    "if a\n",
    "f(",
    "[",
    "{a => ",
    "\"#{",
    "a ? ",
    "on { ",
    "a do\n",
    "a + ",
    "<<A\n",
    "%w[",
    "begin\n",
    "unless a\n",
    "a ||= ",
];

impl Grammar {
    fn filled(text: &str, number: usize) -> String {
        text.replace('N', &number.to_string()).replace('M', &number.saturating_sub(1).to_string())
    }

    fn tree(&self, text: impl AsRef<[u8]>) -> Hostile {
        let tree = self.beside.iter().fold(Hostile::new(), |tree, (path, text)| tree.file(path, text));
        tree.file(self.path, text)
    }

    fn whole(&self, text: &str) -> Hostile {
        self.tree(format!("{}{text}{}", self.head, self.tail))
    }

    fn first(&self) -> String {
        Self::filled(self.line, 80)
    }
}

/// Audits each tree; what does not come to its end is named.
fn all_end(trees: impl Fn(&Grammar) -> Vec<(String, Hostile)>) {
    let loose = |grammar| {
        let audited = trees(grammar).into_iter().map(|(what, tree)| {
            let how = tree.audit("json").err()?;
            Some(format!("{}, {what:?}: {how}", grammar.path))
        });
        audited.flatten().collect::<Vec<_>>()
    };
    let failed: Vec<String> = GRAMMARS.iter().flat_map(loose).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn many_lines() {
    all_end(|grammar| {
        let mut text = String::new();
        let mut number = 1;
        while text.len() < MANY {
            text += &Grammar::filled(grammar.line, number);
            number += 1;
        }
        vec![("many".to_owned(), grammar.whole(&text))]
    });
}

#[test]
fn many_blank_lines() {
    all_end(|grammar| {
        let lines = ["\n", " \n", "#\n", "a\n"];
        let filled = lines.iter().map(|line| {
            (line.to_string(), grammar.whole(&(grammar.first() + &line.repeat(LONG / line.len()))))
        });
        filled.collect()
    });
}

#[test]
fn one_long_line() {
    all_end(|grammar| {
        let first = grammar.first();
        let long = ["a", " ", "\"", "\\", "$", "{", ",", "a ", "${a}", "'", "<", "=", ":", "80 "].iter().map(
            |letter| {
                let text = format!("{}{}", first.trim_end(), letter.repeat(LONG / letter.len()));
                (format!("long {letter}"), grammar.whole(&text))
            },
        );
        long.collect()
    });
}

#[test]
fn deep_nesting() {
    all_end(|grammar| {
        let deep = grammar.opens.iter().map(|open| {
            let text =
                format!("{}{}{}", grammar.head, open.repeat(DEEP.min(LONG / open.len())), grammar.first());
            (format!("deep {open}"), grammar.tree(text))
        });
        deep.collect()
    });
}

#[test]
fn files_that_read_themselves() {
    all_end(|grammar| {
        if grammar.include.is_empty() {
            return vec![];
        }
        let itself = grammar.include.replace('&', grammar.path);
        let other = grammar.include.replace('&', grammar.other);
        let once = grammar.whole(&format!("{itself}{}", grammar.first()));
        let often = grammar.whole(&itself.repeat(MANY / itself.len()));
        let round = grammar.whole(&other.repeat(10)).file(grammar.other, itself.repeat(10));
        let many =
            grammar.whole(&other.repeat(MANY / other.len())).file(grammar.other, grammar.first().repeat(100));
        let far = grammar.whole(&format!("{other}{}", grammar.first())).link("/dev/zero", grammar.other);
        let fifo = grammar.whole(&format!("{other}{}", grammar.first())).fifo(grammar.other);
        let mut spread = grammar.whole(&other);
        for level in 0..12 {
            let here =
                if level == 0 { grammar.other.to_owned() } else { format!("{}{level}", grammar.other) };
            let next = grammar.include.replace('&', &format!("{}{}", grammar.other, level + 1));
            spread = spread.file(&here, next.repeat(10));
        }
        let named = [
            ("itself", once),
            ("itself often", often),
            ("round", round),
            ("many", many),
            ("zero", far),
            ("fifo", fifo),
            ("spread", spread),
        ];
        named.into_iter().map(|(what, tree)| (format!("reads {what}"), tree)).collect()
    });
}

#[test]
fn words_that_double() {
    all_end(|grammar| {
        if grammar.double.is_empty() {
            return vec![];
        }
        let doubled = [40, 10_000].map(|most| {
            let mut text: String = (1..=most).map(|number| Grammar::filled(grammar.double, number)).collect();
            text += &Grammar::filled(grammar.used, most);
            let back: String =
                (1..=most).rev().map(|number| Grammar::filled(grammar.double, number)).collect();
            let round = grammar.double.replace('M', "N");
            let round = Grammar::filled(&round, 1) + &Grammar::filled(grammar.used, 1);
            [
                (format!("doubled {most}"), grammar.whole(&text)),
                (
                    format!("doubled back {most}"),
                    grammar.whole(&(back + &Grammar::filled(grammar.used, most))),
                ),
                (format!("doubled itself {most}"), grammar.whole(&round)),
            ]
        });
        doubled.into_iter().flatten().collect()
    });
}

#[test]
fn what_is_no_text() {
    let noise: Vec<u8> = (0..LONG as u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    all_end(|grammar| {
        let begun = format!("{}{}", grammar.head, grammar.first()).into_bytes();
        let zeros = [begun.clone(), vec![0; LONG]].concat();
        let torn = [begun.clone(), b"\xff\xfe\xc3".repeat(LONG / 3)].concat();
        let wide: Vec<u8> = "\u{feff}"
            .encode_utf16()
            .chain(grammar.first().encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        let named = [
            ("noise", [begun, noise.clone()].concat()),
            ("zeros", zeros),
            ("torn", torn),
            ("wide", wide.repeat(1 + 10_000 / wide.len())),
        ];
        named.into_iter().map(|(what, bytes)| (what.to_owned(), grammar.tree(bytes))).collect()
    });
}

#[test]
fn what_is_no_file() {
    all_end(|grammar| {
        let beside =
            || grammar.beside.iter().fold(Hostile::new(), |tree, (path, text)| tree.file(path, text));
        vec![
            ("fifo".to_owned(), beside().fifo(grammar.path)),
            ("zero".to_owned(), beside().link("/dev/zero", grammar.path)),
            ("far".to_owned(), beside().link("../../../../../../../../dev/zero", grammar.path)),
            ("itself".to_owned(), beside().link(grammar.path.rsplit('/').next().unwrap(), grammar.path)),
            ("sparse".to_owned(), beside().sparse(grammar.path)),
        ]
    });
}

#[test]
fn aliases_that_multiply() {
    all_end(|grammar| {
        if !grammar.path.ends_with("ml") || grammar.path.ends_with("toml") {
            return vec![];
        }
        if grammar.path.ends_with("xml") {
            let mut entities = String::from("<!DOCTYPE a [<!ENTITY a0 \"ha\">\n");
            for level in 1..40 {
                entities += &format!("<!ENTITY a{level} \"{}\">\n", format!("&a{};", level - 1).repeat(10));
            }
            let used = grammar.first().replace("80", "&a39;");
            return vec![(
                "laughs".to_owned(),
                grammar.tree(format!("{entities}]>\n{}{used}{}", grammar.head, grammar.tail)),
            )];
        }
        let mut lists = String::from("a0: &a0 [ha]\n");
        for level in 1..40 {
            lists += &format!("a{level}: &a{level} [{}]\n", format!("*a{}, ", level - 1).repeat(10));
        }
        let mut maps = String::from("b0: &b0 {a: 1}\n");
        for level in 1..40 {
            maps += &format!(
                "b{level}: &b{level} {{<<: [{}], c{level}: *b{}}}\n",
                format!("*b{}, ", level - 1).repeat(10),
                level - 1
            );
        }
        let round = "c: &c {<<: *c, a: *c}\n";
        [("lists", lists.as_str()), ("maps", &maps), ("round", round)]
            .into_iter()
            .map(|(what, text)| {
                (what.to_owned(), grammar.tree(format!("{text}{}{}", grammar.head, grammar.first())))
            })
            .collect()
    });
}

#[test]
fn drop_ins_by_the_thousand() {
    let mut tree = Hostile::new()
        .file("etc/systemd/system/app.service", "[Service]\nExecStart=/usr/bin/gunicorn -b :$A app:app\n");
    for number in 0..20_000 {
        tree = tree.file(
            &format!("etc/systemd/system/app.service.d/{number}.conf"),
            format!("[Service]\nEnvironment=A={number}\n"),
        );
    }
    tree.run("json");
}
