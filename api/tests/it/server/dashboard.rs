//! The page that was built is the page that is served.

use super::Server;

#[test]
fn the_dashboard_is_in_the_program_with_its_files() {
    let built = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/dist/index.html");
    let Ok(index) = std::fs::read_to_string(&built) else {
        return eprintln!("SKIPPED: web/dist is not there; make web builds it");
    };
    let Some(server) = Server::with(&["redis.pcapng"], &["--no-index"]) else { return };
    for path in ["/", "/map", "/index.html"] {
        let page = server.get(path);
        assert_eq!((page.status, page.text()), (200, index.clone()), "{path}");
        assert!(page.header("content-security-policy").unwrap().contains("script-src 'self'"));
    }
    let files: Vec<_> = index.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert!(files.iter().any(|file| file.ends_with(".js")), "{index}");
    for file in files {
        let given = server.get(file);
        assert_eq!(given.status, 200, "{file}");
        assert!(given.header("cache-control").unwrap().contains("immutable"), "{file}");
        assert!(!given.body.is_empty(), "{file}");
    }
    assert_eq!(server.get("/assets/none.js").status, 404);
}
