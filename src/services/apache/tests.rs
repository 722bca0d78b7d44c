use crate::services::{Seen, Trial};

fn root(files: &[(&str, &str)]) -> Seen {
    Trial::root("apache", files).read()
}

fn main(text: &str) -> Seen {
    root(&[(MAIN, text)])
}

fn repository(files: &[(&str, &str)]) -> Seen {
    Trial::repository("apache", files).read()
}

const MAIN: &str = "etc/apache2/apache2.conf";

#[test]
fn where_ipv6_is_off_it_says_so() {
    const OFF: &str = "IPv6 is off: if the machine has an IPv4 address, it listens on 0.0.0.0 instead";
    let all = "net.ipv6.conf.all.disable_ipv6";
    for (files, listen, is_said) in [
        (vec![("etc/sysctl.d/a.conf", format!("x = 1\n-{all} = 1\n"))], "80", true),
        (vec![("usr/lib/sysctl.d/a.conf", "net/ipv6/conf/default/disable_ipv6=1".to_owned())], "80", true),
        (vec![("etc/sysctl.d/a.conf", format!("#{all} = 1\n"))], "80", false),
        (vec![("etc/sysctl.d/a.conf", format!("{all}=1\n{all}=0\n"))], "80", false),
        (
            vec![("etc/sysctl.d/a.conf", String::new()), ("usr/lib/sysctl.d/a.conf", format!("{all}=1"))],
            "80",
            false,
        ),
        (vec![("etc/sysctl.d/a.conf", format!("{all} = 1\n"))], "0.0.0.0:80", false),
    ] {
        let trial = Trial::root("apache", &[(MAIN, &format!("Listen {listen}\n"))]);
        let seen = files.iter().fold(trial, |trial, (path, text)| trial.with(path, text)).read();
        assert_eq!(seen.one().notes.iter().any(|note| note.what == OFF), is_said, "{files:?} {listen}");
    }
}

#[test]
fn a_backlog_is_put_where_apache_takes_it() {
    for (before, after) in [
        ("Listen 80\n", "ListenBacklog 9\nListen 80\n"),
        ("Listen 80\nListen 81\n", "ListenBacklog 9\nListen 80\nListen 81\n"),
        ("User w\r\n\tListen 80\r\n", "User w\r\n\tListenBacklog 9\r\n\tListen 80\r\n"),
        ("Listen \\\n80", "ListenBacklog 9\nListen \\\n80"),
        (
            "<IfModule core.c>\n  Listen 80\n</IfModule>",
            "<IfModule core.c>\n  ListenBacklog 9\n  Listen 80\n</IfModule>",
        ),
        ("ListenBacklog 7\nListen 80", "ListenBacklog 9\nListen 80"),
        ("ListenBacklog '7'\nListen 80", "ListenBacklog '9'\nListen 80"),
        ("ListenBacklog 7\nListen 80\nListenBacklog 8", "ListenBacklog 7\nListen 80\nListenBacklog 9"),
        ("Define N 7\nListenBacklog ${n}\nListen 80", "Define N 9\nListenBacklog ${n}\nListen 80"),
        (
            "Define N \"7\"\nDefine M ${N}\nListenBacklog ${M}\nListen 80",
            "Define N \"9\"\nDefine M ${N}\nListenBacklog ${M}\nListen 80",
        ),
        ("ListenBacklog 07\nListen 80", "ListenBacklog 9\nListen 80"),
    ] {
        assert_eq!(main(before).set(9).as_deref(), Some(after), "{before}");
    }
}

#[test]
fn there_is_no_slot_where_the_text_is_not_the_value() {
    for text in [
        "ListenBacklog 7k\nListen 80",
        "ListenBacklog \\\n7\\\n0\nListen 80",
        "Define N 7\nListenBacklog ${N}0\nListen 80",
        "LoadModule macro_module x\n<Macro M $p>\nListenBacklog $p0\nListen 80\n</Macro>\nUse M 7",
        "LoadModule macro_module x\n<Macro M $p>\nListen $p\n</Macro>\nUse M 80",
    ] {
        assert_eq!(main(text).set(9), None, "{text}");
    }
    let argument = "LoadModule macro_module x\n<Macro M $p>\nListenBacklog $p\nListen 80\n</Macro>\nUse M 7";
    assert_eq!(main(argument).set(9), Some(argument.replace("Use M 7", "Use M 9")));
}

#[test]
fn what_envvars_exports_is_written_there() {
    let files =
        |envvars| root(&[(MAIN, "ListenBacklog ${QUEUE}\nListen 80"), ("etc/apache2/envvars", envvars)]);
    assert_eq!(files("export QUEUE=\"7\" # c\n").set(9).as_deref(), Some("export QUEUE=\"9\" # c\n"));
    assert_eq!(files("A=7\nexport QUEUE=$A\n").set(9).as_deref(), Some("A=9\nexport QUEUE=$A\n"));
    for open in [
        "export QUEUE=$(nproc)\n",
        "export QUEUE=`nproc`\n",
        "export QUEUE=${A:-7}\n",
        "QUEUE=7\n",
        "# QUEUE=7\n",
    ] {
        let read = files(open);
        assert_eq!((read.rows(), read.set(9)), (vec!["*:80 ?".to_owned()], None), "{open}");
        assert_eq!(read.said(), "unknown backlog: the files do not say what `${QUEUE}` is");
    }
}

#[test]
fn requests_are_passed_on_by_the_virtual_host_they_come_to() {
    let text = "Listen 80\nListen 81\nListen 127.0.0.1:82\nListen 83\nProxyPass /all http://10.0.0.9\n\
        <Proxy balancer://app>\nBalancerMember http://10.0.0.1:3000 route=a\nBalancerMember http://10.0.0.2:3000\n</Proxy>\n\
        <VirtualHost *:80>\nProxyPass /static !\nProxyPass / balancer://App/\n</VirtualHost>\n\
        <VirtualHost _default_:81 127.0.0.2:82>\n<FilesMatch \\.php$>\n\
        SetHandler \"proxy:unix:/run/php/fpm.sock|fcgi://localhost/\"\n</FilesMatch>\n\
        ProxyPassMatch ^/x/(.*)$ ajp://app.example.com/$1\n</VirtualHost>\n\
        <VirtualHost 127.0.0.1>\n<Location /a>\nProxyPass http://[::1]:8080/a retry=0\n</Location>\n\
        RewriteRule ^/b ws://10.0.0.3:9%{REQUEST_URI} [L,P]\nRewriteRule ^/c http://10.0.0.4:9/ [R]\n</VirtualHost>\n";
    assert_eq!(
        main(text).hops(),
        [
            "*:80 -> 10.0.0.1:3000, 10.0.0.2:3000, [::1]:8080, 10.0.0.3:9, 10.0.0.9:80",
            "*:81 -> /run/php/fpm.sock, app.example.com:8009, [::1]:8080, 10.0.0.3:9, 10.0.0.9:80",
            "127.0.0.1:82 -> [::1]:8080, 10.0.0.3:9, 10.0.0.9:80",
            "*:83 -> [::1]:8080, 10.0.0.3:9, 10.0.0.9:80",
        ]
    );
}

#[test]
fn every_way_to_name_a_next_hop_is_read() {
    for (directive, hops) in [
        ("ProxyPass \"/\" \"http://app:3000/\"", "app:3000"),
        ("ProxyPass / https://app", "app:443"),
        ("ProxyPass / http://user@app:81/x", "app:81"),
        ("ProxyPass / unix:/run/a.sock|http://localhost/", "/run/a.sock"),
        ("ProxyPass / uwsgi://127.0.0.1", "127.0.0.1:3031"),
        ("ProxyPassMatch ^/(.*\\.php)$ fcgi://127.0.0.1:9000/srv/$1", "127.0.0.1:9000"),
        ("SetHandler proxy:fcgi://127.0.0.1:9000", "127.0.0.1:9000"),
        ("BalancerMember balancer://b scgi://app\nProxyPass / balancer://b", "app:4000"),
        ("RewriteRule ^ http://app:80/$1 [proxy]", "app:80"),
        ("FastCgiExternalServer /srv/php -host 127.0.0.1:9000 -idle-timeout 9", "127.0.0.1:9000"),
        ("FastCgiExternalServer /srv/php -socket /run/php.sock", "/run/php.sock"),
        ("ProxyPass / !\nSetHandler server-status\nRewriteRule ^ - [P]\nProxyPass / balancer://none", ""),
        ("ProxyPass / http://${APP}/\nProxyPass / http://%{HTTP_HOST}/\nProxyPassReverse / http://app/", ""),
        ("ProxyPass / gopher://app\nProxyPass / http://app:x/\nProxyPass / unix:app|http://x/", ""),
    ] {
        let read = main(&format!("Listen 80\n{directive}\n"));
        assert_eq!(read.hops(), [format!("*:80 -> {hops}")], "{directive}");
    }
}

#[test]
fn fragments_of_one_folder_are_one_apache() {
    let read = repository(&[
        ("docker/apache2/ports.conf", "Listen 8080\n<IfModule ssl_module>\nListen 443\n</IfModule>\n"),
        ("docker/apache2/conf-enabled/queue.conf", "ListenBacklog 600\n"),
        (
            "docker/apache2/sites-available/a.conf",
            "<VirtualHost *:8080>\nProxyPass / http://app:1/\n</VirtualHost>\n",
        ),
        ("docker/apache2/sites-available/b.conf", "Listen 81\n<VirtualHost *:81>\n</VirtualHost>\n"),
    ]);
    assert_eq!(read.rows(), ["*:8080 600", "*:81 600", "*:443 600"]);
    assert_eq!(read.problems(), [""; 0]);
    assert_eq!(read.hops().first().map(String::as_str), Some("*:8080 -> app:1"));
}

#[test]
fn fragments_that_exclude_each_other_are_for_different_apaches() {
    let read = repository(&[
        ("deploy/a.conf", "Listen 80\n<VirtualHost *:80>\n</VirtualHost>\n"),
        ("deploy/b.conf", "Listen 80\nListen 443\n<VirtualHost *:80>\n</VirtualHost>\n"),
    ]);
    assert_eq!(
        (read.rows(), read.problems()),
        (vec!["*:80 511".into(), "*:80 511".into(), "*:443 511".into()], vec![])
    );
    let wide = repository(&[
        ("deploy/apache/a.conf", "Listen [::]:80\n"),
        ("deploy/apache/b.conf", "Listen 10.0.0.1:80\n"),
    ]);
    assert_eq!(wide.rows(), ["*:80 511", "10.0.0.1:80 511"]);
}

#[test]
fn a_virtual_host_alone_opens_nothing() {
    let vhost = "<VirtualHost *:80>\nServerName x\nProxyPass / http://app/\n</VirtualHost>\n";
    let read = repository(&[("docker/vhost.conf", vhost), ("docker/000-default.conf", vhost)]);
    assert_eq!((read.rows(), read.problems()), (vec![], vec![]));
}

#[test]
fn what_is_another_program_s_is_silent() {
    for (path, text) in [
        ("cups/cupsd.conf", "Listen *:631\nBrowsing Off\n<Location />\n</Location>\n"),
        ("proftpd.conf", "ServerType standalone\n<VirtualHost 10.0.0.1>\n</VirtualHost>\nListen 80\n"),
        ("tinyproxy.conf", "Port 8888\nListen 192.168.0.1\n"),
        ("other.conf", "Listen 192.168.0.1:80\n"),
        (
            "httpd.conf",
            "Define R \"c:/Apache24\"\nServerRoot \"${R}\"\nListen 80\nListen 10.0.0.1:80\nLoadModule x y\n",
        ),
    ] {
        let read = repository(&[(path, text)]);
        assert_eq!((read.rows(), read.problems()), (vec![], vec![]), "{path}");
    }
}

#[test]
fn sites_that_are_switched_off_are_counted() {
    let main = "ServerRoot /etc/apache2\nInclude ports.conf\nIncludeOptional sites-enabled/*.conf\n";
    let read = repository(&[
        ("apache2/apache2.conf", main),
        ("apache2/ports.conf", "Listen 80\n"),
        ("apache2/sites-enabled/a.conf", "<VirtualHost *:80>\n</VirtualHost>\n"),
        ("apache2/sites-available/b.conf", "Listen 81\n<VirtualHost *:81>\n</VirtualHost>\n"),
    ]);
    assert_eq!((read.rows(), read.problems()), (vec!["*:80 511".into()], vec![]));
    assert_eq!(read.found.left_out, 1);
}

#[test]
fn a_main_file_of_a_repository_finds_what_lies_with_it() {
    for (main, other) in [
        ("docker/httpd.conf", "docker/httpd-ssl.conf"),
        ("docker/httpd.conf", "docker/extra/httpd-ssl.conf"),
        ("docker/conf/httpd.conf", "docker/conf/extra/httpd-ssl.conf"),
    ] {
        let text = "ServerRoot \"/usr/local/apache2\"\nListen 80\nInclude conf/extra/httpd-ssl.conf\n";
        let read = repository(&[(main, text), (other, "ListenBacklog 600\nListen 443\n")]);
        assert_eq!((read.rows(), read.problems()), (vec!["*:80 600".into(), "*:443 600".into()], vec![]));
    }
}

#[test]
fn an_include_of_another_file_of_the_same_name_is_not_the_file_itself() {
    let text = "ServerRoot /srv/apache\nListen 80\nInclude local/httpd.conf\n";
    let read = repository(&[("conf/httpd.conf", text)]);
    assert_eq!(
        (read.rows(), read.problems()),
        (
            vec!["*:80 511".into()],
            vec![
                "Skipped: the include of /srv/apache/local/httpd.conf leads out of the repository: its listeners are unknown".into()
            ]
        )
    );
}

#[test]
fn an_include_that_leads_out_of_a_repository_is_told() {
    let text = "ServerRoot /etc/httpd\nListen 80\nInclude conf.modules.d/*.conf\nInclude vhosts/*.conf\nIncludeOptional conf.d/*.conf\n";
    let read = repository(&[("files/httpd.conf", text)]);
    assert_eq!(
        read.problems(),
        [
            "Skipped: the include of /etc/httpd/vhosts/*.conf leads out of the repository: its listeners are unknown"
        ]
    );
}

#[test]
fn what_cannot_be_known_is_said_and_not_guessed() {
    for (text, listeners, said) in [
        (
            "Listen ${PORT}",
            "? 511",
            "Apache httpd's own default; unknown address: the files do not say what `${PORT}` is",
        ),
        (
            "Listen {{ port }}",
            "? 511",
            "Apache httpd's own default; unknown address: the files do not say what `{{ port }}` is",
        ),
        (
            "Listen @@Port@@",
            "? 511",
            "Apache httpd's own default; unknown address: the files do not say what `@@Port@@` is",
        ),
        ("ListenBacklog ${Q}\nListen 80", "*:80 ?", "unknown backlog: the files do not say what `${Q}` is"),
        (
            "ListenBacklog <%= q %>\nListen 80",
            "*:80 ?",
            "unknown backlog: the files do not say what `<%= q %>` is",
        ),
        (
            "Listen web:80",
            "? 511",
            "Apache httpd's own default; unknown address: the files do not say which address `web` is",
        ),
    ] {
        let read = repository(&[("apache/x.conf", &format!("DocumentRoot /srv\n{text}\n"))]);
        assert_eq!((read.rows(), read.problems()), (vec![listeners.to_owned()], vec![]), "{text}");
        assert_eq!(read.said(), said);
    }
}

#[test]
fn a_module_that_may_be_loaded_makes_a_listener_that_says_so() {
    let ports = "Listen 80\n<IfModule ssl_module>\nListen 443\n</IfModule>\n<IfModule mod_gnutls.c>\nListen 443\n</IfModule>\n";
    let read = repository(&[("apache/ports.conf", ports)]);
    assert_eq!((read.rows(), read.problems()), (vec!["*:80 511".into(), "*:443 511".into()], vec![]));
    let last = read.found.listeners.last().unwrap();
    assert_eq!(last.notes[0].what, "only where ssl_module is loaded, which the files do not show");
}

#[test]
fn an_earlier_number_is_told() {
    let read = main("ListenBacklog 600\nListen 80\nListenBacklog 700\n");
    assert_eq!(read.said(), "ListenBacklog; a later ListenBacklog overrides it");
}

#[test]
fn a_template_may_close_what_it_did_not_open() {
    let text = "Listen 80\n{% if a %}\n<VirtualHost *:80>\n{% else %}\n<VirtualHost *:81>\n{% endif %}\n</VirtualHost>\n";
    let read = repository(&[("apache/x.conf", text)]);
    assert_eq!((read.rows(), read.problems()), (vec!["*:80 511".into()], vec![]));
    let torn = repository(&[("apache/x.conf", "Listen 80\n<VirtualHost *:80>\n")]);
    assert_eq!(torn.problems(), ["Skipped: read only in part: <VirtualHost> was not closed"]);
}

#[test]
fn what_multiplies_ends() {
    let doubling: String = (0..60).map(|n| format!("Define A{} ${{A{n}}}${{A{n}}}\n", n + 1)).collect();
    let text = format!("Define A0 xxxxxxxx\n{doubling}Listen 80\nListen ${{A60}}\n");
    assert_eq!(main(&text).rows(), ["? 511", "*:80 511"]);
    let macros: String =
        (0..60).map(|n| format!("<Macro M{} $p>\nUse M{n} $p\nUse M{n} $p\n</Macro>\n", n + 1)).collect();
    let text = format!("<Macro M0 $p>\nDefine X $p\n</Macro>\n{macros}Listen 80\nUse M60 1\n");
    assert_eq!(main(&text).cuts(), ["the audit reads only the first 32 MiB of files and macros"]);
    let read = root(&[
        (MAIN, "Listen 80\nInclude b*.conf\nInclude b*.conf\n"),
        ("etc/apache2/b1.conf", "IncludeOptional c*.conf\n"),
        ("etc/apache2/c1.conf", "IncludeOptional b*.conf\n"),
    ]);
    assert_eq!(read.problems(), ["Lost: Exceeded maximum include depth of 100"]);
}

#[test]
fn many_of_everything_take_no_time() {
    let listens: String =
        (0..100_000).map(|n| format!("Listen 127.0.{}.{}:80\n", n >> 8 & 255, n & 255)).collect();
    let sections = "<IfModule core.c>\n".repeat(100_000) + &"</IfModule>\n".repeat(100_000);
    let continued = "Listen 80\\\n".repeat(200_000);
    for text in [listens, sections, continued, "<".repeat(1 << 20), "Listen ${".repeat(1 << 17)] {
        main(&text);
    }
}

#[test]
fn random_words_do_no_harm() {
    const WORDS: [&str; 28] = [
        "Listen",
        "ListenBacklog",
        "80",
        "[::]:80",
        "\n",
        "\n",
        "\n",
        "\\\n",
        "\"",
        "'",
        "${A}",
        "$",
        "<VirtualHost",
        ">",
        "</VirtualHost>",
        "<IfModule",
        "</IfModule>",
        "<Macro M $a>",
        "</Macro>",
        "Use M",
        "Define A",
        "Include",
        "*",
        "ProxyPass",
        "http://",
        "unix:",
        "balancer://",
        "\u{fc}",
    ];
    let mut state = 7_u64;
    for _ in 0..60 {
        let mut text = String::new();
        for _ in 0..300 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            text += WORDS[(state >> 33) as usize % WORDS.len()];
            if state >> 60 & 1 == 0 {
                text.push(' ');
            }
        }
        main(&text);
    }
}
