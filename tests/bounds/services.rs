//! Trees that spend the budgets of `src/services`.

use super::tree::{Tree, lines};

pub fn apaches_apart(tree: &Tree) {
    for number in 0..66 {
        tree.file(&format!("apache/{number}.conf"), "Listen 80\n<VirtualHost *:80>\n</VirtualHost>\n");
    }
    tree.is_repository();
}

pub fn apache_listens(tree: &Tree) {
    let listens = lines(8_200, |number| format!("Listen 127.0.0.1:{}", number + 1));
    tree.file("etc/apache2/apache2.conf", format!("ServerRoot /etc/apache2\n{listens}"));
}

pub fn caddy_servers(tree: &Tree) {
    tree.file("etc/caddy/Caddyfile", lines(4_100, |number| format!("http://:{} {{\n}}", number + 1024)));
}

pub fn caddy_names(tree: &Tree) {
    let keys: Vec<String> = (0..1_200).map(|number| format!("http://h{number}:81")).collect();
    let binds: String =
        (0..450).map(|number| format!(" 127.0.{}.{}", number / 200, number % 200 + 1)).collect();
    tree.file("etc/caddy/Caddyfile", format!("{} {{\n  bind{binds}\n}}\n", keys.join(", ")));
}

pub fn caddy_hops(tree: &Tree) {
    let keys: Vec<String> = (1025..1_625).map(|port| format!("http://:{port}")).collect();
    let servers: String = (1..1_001).map(|port| format!(" 10.0.0.1:{port}")).collect();
    tree.file("etc/caddy/Caddyfile", format!("{} {{\n  reverse_proxy{servers}\n}}\n", keys.join(", ")));
}

pub fn envoy_hops(tree: &Tree) {
    let address = |port: usize| format!("{{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}");
    let listener =
        |number: usize| format!("  - {{address: {}, filter_chains: [{{cluster: c}}]}}", address(number + 1));
    let endpoint = |number: usize| format!("      - {{endpoint: {{address: {}}}}}", address(number + 1));
    let text = format!(
        "static_resources:\n  listeners:\n{}  clusters:\n  - name: c\n    load_assignment:\n      endpoints:\n      - lb_endpoints:\n{}",
        lines(600, listener),
        lines(1_000, endpoint).replace("      -", "        -"),
    );
    tree.file("etc/envoy/envoy.yaml", text);
}

fn go(tree: &Tree, body: &str) {
    let text =
        format!("package main\n\nimport (\n\t\"net\"\n\t\"net/http\"\n)\n\nfunc main() {{\n{body}}}\n");
    tree.is_repository().file("main.go", text);
}

pub fn go_calls(tree: &Tree) {
    go(tree, &lines(2_001, |_| "\thttp.ListenAndServe(\":8080\", nil)".into()));
}

pub fn go_listeners(tree: &Tree) {
    go(tree, &lines(1_002, |number| format!("\thttp.ListenAndServe(\":{}\", nil)", number + 1)));
}

pub fn go_nodes(tree: &Tree) {
    let uses = lines(7_000, |_| "\tx = 1".into());
    go(tree, &format!("\tl, _ := net.Listen(\"tcp\", \":8080\")\n{uses}\tl.Close()\n"));
}

const HAPROXY_UNIT: &str = "etc/systemd/system/haproxy.service";

pub fn haproxy_again(tree: &Tree) {
    let files = "-f /etc/haproxy/a.cfg ".repeat(12);
    tree.file("etc/haproxy/a.cfg", "# x\n".repeat(1 << 18))
        .file(HAPROXY_UNIT, format!("[Service]\nExecStart=/usr/sbin/haproxy {files}\n"));
}

pub fn haproxy_files(tree: &Tree) {
    let files = "-f /etc/haproxy/d ".repeat(170);
    tree.file(HAPROXY_UNIT, format!("[Service]\nExecStart=/usr/sbin/haproxy {files}\n"));
    for number in 0..100 {
        tree.file(&format!("etc/haproxy/d/{number}.cfg"), "");
    }
}

pub fn haproxy_listeners(tree: &Tree) {
    tree.file("etc/haproxy/haproxy.cfg", "frontend a\n  mode http\n  bind :1-5000\n");
}

pub fn haproxy_hops(tree: &Tree) {
    let servers = lines(1_000, |number| format!("  server s{number} 10.0.0.1:{}", number + 1));
    let text = format!("frontend a\n  bind :1-600\n  default_backend b\nbackend b\n{servers}");
    tree.file("etc/haproxy/haproxy.cfg", text);
}

pub fn java_fuel(tree: &Tree) {
    let doubled = lines(30, |number| format!("    int a{} = a{number} + a{number};", number + 1));
    let text = format!(
        "import java.net.ServerSocket;\nclass A {{\n  void run() throws Exception {{\n    int a0 = 1;\n{doubled}    new ServerSocket(80, a30);\n  }}\n}}\n"
    );
    tree.is_repository().file("A.java", text);
}

pub fn java_listeners(tree: &Tree) {
    let sockets = lines(1_002, |number| format!("    new ServerSocket({});", number + 1));
    let text = format!(
        "import java.net.ServerSocket;\nclass A {{\n  void run() throws Exception {{\n{sockets}  }}\n}}\n"
    );
    tree.is_repository().file("A.java", text);
}

pub fn jetty_connectors(tree: &Tree) {
    let connector = |number: usize| {
        format!(
            "<New id=\"c{number}\" class=\"org.eclipse.jetty.server.ServerConnector\"><Set name=\"port\">{}</Set></New>",
            number + 1
        )
    };
    let xml = format!(
        "<Configure id=\"Server\" class=\"org.eclipse.jetty.server.Server\">\n{}</Configure>\n",
        lines(1_001, connector)
    );
    tree.file("etc/jetty9/start.ini", "etc/jetty-a.xml\n").file("etc/jetty9/jetty-a.xml", xml);
}

pub fn jetty_files(tree: &Tree) {
    tree.file("etc/jetty9/start.ini", lines(1_001, |number| format!("etc/{number}.xml")));
}

const PROJECT: &str = "<Project Sdk=\"Microsoft.NET.Sdk.Web\">\n</Project>\n";

pub fn kestrel_addresses(tree: &Tree) {
    let listens = lines(1_001, |number| format!("  k.ListenAnyIP({});", number + 1));
    let program = format!("b.WebHost.UseKestrel(k => {{\n{listens}}});\n");
    tree.is_repository().file("App.csproj", PROJECT).file("Program.cs", program);
}

pub fn kestrel_code(tree: &Tree) {
    let program = "b.WebHost.UseKestrel(k => k.ListenAnyIP(81));\n//";
    tree.is_repository().file("App.csproj", PROJECT).padded("Program.cs", program, 1025);
}

pub fn lighttpd_sockets(tree: &Tree) {
    let sockets = lines(4_097, |number| format!("$SERVER[\"socket\"] == \":{}\" {{ }}", number + 1));
    tree.file("etc/lighttpd/lighttpd.conf", format!("server.document-root = \"/srv\"\n{sockets}"));
}

fn lighttpd_fastcgi(tree: &Tree, hosts: &str) {
    let text = format!(
        "server.document-root = \"/srv\"\nserver.modules = ( \"mod_fastcgi\" )\nfastcgi.server = ( \".php\" => ({hosts}) )\n"
    );
    tree.file("etc/lighttpd/lighttpd.conf", text);
}

pub fn lighttpd_backends(tree: &Tree) {
    let host = |number: usize| format!("( \"host\" => \"127.0.0.1\", \"port\" => {} ),", number + 1);
    lighttpd_fastcgi(tree, &lines(4_097, host));
}

pub fn lighttpd_processes(tree: &Tree) {
    let host = "( \"bin-path\" => \"/usr/bin/php-cgi\", \"socket\" => \"/run/php\", \"min-procs\" => 300, \"max-procs\" => 300 )";
    lighttpd_fastcgi(tree, host);
}

const NGINX: &str = "etc/nginx/nginx.conf";

pub fn nginxes_apart(tree: &Tree) {
    for number in 0..67 {
        tree.file(&format!("nginx/{number}.conf"), "server { listen 80 default_server; }\n");
    }
    tree.is_repository();
}

pub fn nginx_sockets(tree: &Tree) {
    tree.file(NGINX, "events { worker_connections 99999; }\nhttp { server { listen 127.0.0.1:1-65535; listen 127.0.0.2:1-2; } }\n");
}

pub fn nginx_addresses(tree: &Tree) {
    let servers = lines(530, |_| "server { listen 127.0.0.1:1-1000; }".into());
    tree.file(NGINX, format!("events {{ worker_connections 9999; }}\nhttp {{\n{servers}}}\n"));
}

pub fn nginx_inclusions(tree: &Tree) {
    tree.file(NGINX, "events {}\nhttp { include 0.conf; }\n");
    for level in 0..5 {
        let text = format!("include {}.conf;\n", level + 1).repeat(13);
        tree.file(&format!("etc/nginx/{level}.conf"), text);
    }
    tree.file("etc/nginx/5.conf", "server { listen 80; }\n");
}

pub fn nginx_hops(tree: &Tree) {
    let servers = lines(1_000, |number| format!("server 10.0.0.1:{};", number + 1));
    let text = format!(
        "events {{ worker_connections 9999; }}\nhttp {{\nupstream u {{\n{servers}}}\nserver {{ listen 127.0.0.1:1-600; location / {{ proxy_pass http://u; }} }}\n}}\n"
    );
    tree.file(NGINX, text);
}

fn node(tree: &Tree, body: &str) {
    tree.is_repository().file("server.js", format!("const http = require('http');\n{body}"));
}

pub fn node_expressions(tree: &Tree) {
    let grown = lines(6, |number| {
        let part = format!("${{a{number}}}");
        format!("const a{} = `{}`;", number + 1, part.repeat(8))
    });
    node(tree, &format!("const a0 = '1';\n{grown}http.createServer().listen(a6);\n"));
}

pub fn node_depth(tree: &Tree) {
    let chained = lines(60, |number| format!("const a{} = a{number} + 1;", number + 1));
    node(tree, &format!("const a0 = 1;\n{chained}http.createServer().listen(a60);\n"));
}

pub fn node_calls(tree: &Tree) {
    let calls = lines(1_001, |_| "timer.start();".into());
    node(tree, &format!("http.createServer().listen(80);\n{calls}"));
}

pub fn node_plain(tree: &Tree) {
    let calls = lines(300, |number| format!("f8({});", number + 1));
    let callers = lines(8, |number| format!("function f{}(port) {{ f{number}(port); }}", number + 1));
    node(tree, &format!("function f0(port) {{ http.createServer().listen(port); }}\n{callers}{calls}"));
}

pub fn node_elements(tree: &Tree) {
    let ports: Vec<String> = (1..1_002).map(|port| port.to_string()).collect();
    let text = format!("for (const port of [{}]) http.createServer().listen(port);\n", ports.join(",\n"));
    node(tree, &text);
}

pub fn node_named(tree: &Tree) {
    let calls = lines(1_001, |number| format!("start({});", number + 1));
    node(tree, &format!("function start(port) {{ http.createServer().listen(port); }}\n{calls}"));
}

pub fn node_callers(tree: &Tree) {
    let callers = lines(18, |number| format!("function f{}(port) {{ f{number}(port); }}", number + 1));
    node(tree, &format!("function f0(port) {{ http.createServer().listen(port); }}\n{callers}f18(80);\n"));
}

pub fn node_minified(tree: &Tree) {
    let filler = "a();".repeat(400);
    let text = format!("var h=require(\"http\");{filler}h.createServer().listen(80);{filler}\n");
    tree.is_repository().file("server.js", text);
}

pub fn python_calls(tree: &Tree) {
    let calls = lines(2_001, |_| "s.listen(5)".into());
    tree.is_repository()
        .file("server.py", format!("import socket\ns = socket.socket()\ns.bind(('', 80))\n{calls}"));
}

pub fn program_imports(tree: &Tree) {
    let names = lines(2_002, |number| format!("require('./m{number}');"));
    let server = "require('http').createServer().listen(process.env.PORT || 80);\n";
    tree.is_repository()
        .file("app.js", format!("{server}{names}"))
        .file("Procfile", "web: PORT=8080 node app.js\n");
}

pub fn program_files(tree: &Tree) {
    let names = lines(150, |number| format!("require('./m{number}');"));
    tree.is_repository()
        .file("app.js", format!("require('http').createServer().listen(process.env.PORT || 80);\n{names}"));
    for number in 0..150 {
        tree.file(&format!("m{number}.js"), "");
    }
    let units = lines(150, |number| format!("w{number}: PORT={number} node app.js"));
    tree.file("Procfile", units);
}

pub fn python_openings(tree: &Tree) {
    let servers = lines(1_002, |number| format!("HTTPServer(('', {}), None)", number + 1));
    tree.is_repository().file("server.py", format!("from http.server import HTTPServer\n{servers}"));
}

const SQUID: &str = "etc/squid/squid.conf";

pub fn squid_ports(tree: &Tree) {
    tree.file(SQUID, lines(130, |number| format!("http_port {}", 3_000 + number)));
}

pub fn squid_workers(tree: &Tree) {
    tree.file(SQUID, "workers 65\nif ${process_number} = 65\nhttp_port 3129\nendif\nhttp_port 3128\n");
}

pub fn squid_peers(tree: &Tree) {
    let peers = lines(4_097, |number| format!("cache_peer 10.0.0.1 parent {} 0 name=p{number}", number + 1));
    tree.file(SQUID, format!("http_port 3128\n{peers}"));
}

pub fn tomcat_connectors(tree: &Tree) {
    let connectors = lines(4_097, |number| format!("<Connector port=\"{}\"/>", number + 1));
    let text = format!("<Server port=\"-1\"><Service name=\"Catalina\">\n{connectors}</Service></Server>\n");
    tree.file("etc/tomcat10/server.xml", text);
}

pub fn tomcat_value(tree: &Tree) {
    let doubled = lines(20, |number| format!("a{}=${{a{number}}}${{a{number}}}", number + 1));
    let text = "<Server port=\"-1\"><Service name=\"Catalina\"><Connector port=\"80\" acceptCount=\"${a20}\"/></Service></Server>\n";
    tree.file("etc/tomcat10/server.xml", text)
        .file("etc/tomcat10/catalina.properties", format!("a0=12345678\n{doubled}"));
}

pub fn uwsgi_vassals(tree: &Tree) {
    tree.file("etc/uwsgi/emperor.ini", "[uwsgi]\nemperor = /etc/uwsgi/vassals\n");
    for number in 0..=4_000 {
        tree.file(&format!("etc/uwsgi/vassals/{number}.ini"), "");
    }
}

pub fn varnish_includes(tree: &Tree) {
    tree.file(
        "etc/systemd/system/varnish.service",
        "[Service]\nExecStart=/usr/sbin/varnishd -F -a :80 -f /etc/varnish/default.vcl\n",
    );
    let includes = lines(1_001, |number| format!("include \"{number}.vcl\";"));
    tree.file("etc/varnish/default.vcl", format!("vcl 4.1;\n{includes}"));
    for number in 0..1_001 {
        tree.file(&format!("etc/varnish/{number}.vcl"), "");
    }
}
