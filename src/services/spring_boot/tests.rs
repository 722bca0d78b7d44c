use crate::services::{Seen, Trial};

const POM: &str = "<project>
  <parent><artifactId>spring-boot-starter-parent</artifactId><version>3.2.1</version></parent>
  <dependencies><dependency><groupId>org.springframework.boot</groupId><artifactId>STARTER</artifactId></dependency></dependencies>
  <build><plugins><plugin><artifactId>spring-boot-maven-plugin</artifactId></plugin></plugins></build>
</project>";

fn read_files(files: &[(&str, &str)]) -> Seen {
    Trial::repository("spring-boot", files).with("src/main/java/App.java", "").read()
}

fn with_starter(starter: &str, files: &[(&str, &str)]) -> Seen {
    let pom = POM.replace("STARTER", starter);
    let mut all = vec![("pom.xml", pom.as_str())];
    all.extend(files);
    read_files(&all)
}

fn with_properties(text: &str) -> Seen {
    with_starter("spring-boot-starter-web", &[("src/main/resources/application.properties", text)])
}

fn with_yaml(text: &str) -> Seen {
    with_starter("spring-boot-starter-web", &[("src/main/resources/application.yml", text)])
}

#[test]
fn the_starter_decides_the_server() {
    for (starter, row) in [
        ("spring-boot-starter-web", "*:8080 100"),
        ("spring-boot-starter-webmvc", "*:8080 100"),
        ("spring-boot-starter-webflux", "*:8080 -1"),
        ("spring-boot-starter-jetty", "*:8080 50"),
        ("spring-boot-starter-undertow", "*:8080 1000"),
    ] {
        assert_eq!(with_starter(starter, &[]).rows(), [row], "{starter}");
    }
    assert_eq!(with_starter("spring-boot-starter-data-jpa", &[]).rows(), [""; 0]);
    let old = POM.replace("STARTER", "spring-boot-starter-webflux").replace("3.2.1", "2.1.0.RELEASE");
    assert_eq!(read_files(&[("pom.xml", &old)]).rows(), ["*:8080 1000"]);
}

#[test]
fn gradle_says_the_same() {
    let gradle = "plugins { id 'org.springframework.boot' version '3.1.0' }\ndependencies {\n  // implementation 'org.springframework.boot:spring-boot-starter-jetty'\n  implementation 'org.springframework.boot:spring-boot-starter-web'\n  testImplementation 'org.springframework.boot:spring-boot-starter-undertow'\n}\n";
    assert_eq!(read_files(&[("build.gradle", gradle)]).rows(), ["*:8080 100"]);
    let kotlin = "plugins { id(\"org.springframework.boot\") version \"2.1.3\" }\ndependencies { \n implementation(\"org.springframework.boot:spring-boot-starter-webflux\")\n}";
    assert_eq!(read_files(&[("build.gradle.kts", kotlin)]).rows(), ["*:8080 1000"]);
}

#[test]
fn names_are_relaxed_and_values_filled_in() {
    assert_eq!(with_properties("server.port=81\nserver.tomcat.accept-count=200\n").rows(), ["*:81 200"]);
    assert_eq!(with_properties("server.tomcat.acceptCount = 201").rows(), ["*:8080 201"]);
    assert_eq!(
        with_yaml("server:\n  port: ${PORT:82}\n  tomcat:\n    accept_count: 202\n").rows(),
        ["*:82 202"]
    );
    assert_eq!(with_yaml("server.port: 83\nserver.tomcat: {accept-count: \"203\"}\n").rows(), ["*:83 203"]);
    assert_eq!(with_properties("n=204\nserver.tomcat.accept-count=${n}\n").rows(), ["*:8080 204"]);
    assert!(with_yaml("server:\n  port: ${PORT:82}\n").said().contains("if PORT is set"));
    assert_eq!(with_properties("server.tomcat.accept-count=${N}\n").rows(), ["*:8080 ?"]);
    assert_eq!(with_properties("server.port=@port@\n").rows(), ["? 100"]);
    assert_eq!(with_properties("server.tomcat.accept-count=0\n").rows(), ["*:8080 100"]);
    assert_eq!(with_properties("a=${b}\nb=${a}\nserver.port=${a}\n").rows(), ["? 100"]);
}

#[test]
fn ports_and_addresses() {
    assert_eq!(with_properties("server.port=-1\n").rows(), [""; 0]);
    assert_eq!(with_properties("server.port=0\n").rows(), ["? 100"]);
    assert_eq!(with_properties("server.address=127.0.0.1\n").rows(), ["127.0.0.1:8080 100"]);
    assert_eq!(
        with_properties("management.server.port=9090\nserver.tomcat.accept-count=7\n").rows(),
        ["*:8080 7", "*:9090 7"]
    );
    assert_eq!(with_properties("management.server.port=8080\n").rows(), ["*:8080 100"]);
    assert_eq!(with_properties("management.server.port=-1\n").rows(), ["*:8080 100"]);
}

#[test]
fn what_a_config_server_says_is_not_known() {
    let import = "spring.config.import=optional:configserver:http://config:8888\n";
    assert_eq!(with_properties(import).rows(), ["? ?"]);
    let written = format!("{import}server.port=81\nserver.tomcat.accept-count=7\n");
    assert_eq!(with_properties(&written).rows(), ["*:81 7"]);
    let bootstrap = [("src/main/resources/bootstrap.yml", "spring.application.name: shop\n")];
    assert_eq!(with_starter("spring-boot-starter-web", &bootstrap).rows(), ["? ?"]);
}

#[test]
fn profiles_count_where_they_are_active() {
    let files = [
        (
            "src/main/resources/application.yml",
            "server:\n  port: 80\n---\nspring.config.activate.on-profile: dev\nserver.port: 81\n",
        ),
        ("src/main/resources/application-prod.properties", "server.tomcat.accept-count=500\n"),
    ];
    let read = with_starter("spring-boot-starter-web", &files);
    assert_eq!(read.rows(), ["*:80 100"]);
    assert!(read.said().contains("in the profile dev server.port is 81"));
    assert!(read.said().contains("in the profile prod it asks for 500"));
    let active = [
        files[0],
        files[1],
        ("src/main/resources/application.properties", "spring.profiles.active=prod,dev\n"),
    ];
    assert_eq!(with_starter("spring-boot-starter-web", &active).rows(), ["*:81 500"]);
}

#[test]
fn a_count_can_be_written_where_it_belongs() {
    for (before, after) in [
        ("server.tomcat.accept-count=5\n", "server.tomcat.accept-count=128\n"),
        ("server.tomcat.accept-count=${N:5}\n", "server.tomcat.accept-count=${N:128}\n"),
        ("server.port=81\n", "server.port=81\nserver.tomcat.accept-count=128\n"),
        ("server.port=81\r\n# end\r\n", "server.port=81\nserver.tomcat.accept-count=128\r\n# end\r\n"),
    ] {
        assert_eq!(with_properties(before).set(128).as_deref(), Some(after));
    }
    assert_eq!(with_yaml("server: {port: 1}").set(128), None);
}

#[test]
fn a_library_and_a_war_of_somebody_else_are_passed_over() {
    let pom = POM.replace("STARTER", "spring-boot-starter-web");
    let library = pom.replace("spring-boot-maven-plugin", "maven-jar-plugin");
    assert_eq!(read_files(&[("pom.xml", &library)]).rows(), [""; 0]);
    let provided = pom.replace(
        "</dependencies>",
        "<dependency><groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-tomcat</artifactId><scope>provided</scope></dependency></dependencies>",
    );
    assert_eq!(read_files(&[("pom.xml", &provided)]).rows(), [""; 0]);
    assert_eq!(read_files(&[("pom.xml", "<project><dependencies>")]).rows(), [""; 0]);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(32))]

    #[test]
    fn nothing_panics(text in "[ -~\n]{0,200}") {
        with_properties(&text);
        with_yaml(&text);
        with_properties(&format!("server.port=${{{text}"));
        let build = format!("<!-- spring-boot -->{text}");
        read_files(&[("pom.xml", &build), ("build.gradle", &build)]);
    }
}

#[test]
fn a_module_has_what_the_build_above_it_brings() {
    let starter = "<dependencies><dependency><groupId>org.springframework.boot</groupId>\
        <artifactId>spring-boot-starter-web</artifactId></dependency></dependencies>";
    let properties =
        ("app/src/main/resources/application.properties", "server.port=81\nserver.tomcat.accept-count=5\n");
    let maven = [
        ("pom.xml", &*format!("<project><modules><module>app</module></modules>{starter}</project>")),
        (
            "app/pom.xml",
            "<project><parent><artifactId>p</artifactId></parent><artifactId>app</artifactId></project>",
        ),
        properties,
    ];
    assert_eq!(Trial::repository("spring-boot", &maven).read().rows(), ["*:81 5"]);
    let gradle = [
        (
            "build.gradle",
            "subprojects { dependencies { implementation 'org.springframework.boot:spring-boot-starter-web' } }",
        ),
        ("app/build.gradle", "bootJar { enabled = true }"),
        properties,
    ];
    assert_eq!(Trial::repository("spring-boot", &gradle).read().rows(), ["*:81 5"]);
}
