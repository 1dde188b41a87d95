//! `bnes data fetch`, with a server on this machine.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;

use crate::common::Place;
use crate::common::bad::says;

/// Answers every request with this content, or with 404 where there is none; the address.
fn server(content: Option<&'static [u8]>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(&stream).lines().map(Result::unwrap);
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            let status = if content.is_some() { "200 OK" } else { "404 Not Found" };
            let body = content.unwrap_or_default();
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        }
    });
    url
}

fn fails(place: &Place, mirror: &str, args: &[&str]) -> String {
    let mut command = place.command(&[&["data", "fetch"], args].concat());
    command.env("BNES_MIRROR", mirror).env("XDG_CACHE_HOME", place.path("cache"));
    for name in ["http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"] {
        command.env_remove(name);
    }
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_set_that_cannot_be_had_says_where_it_was_looked_for_and_what_to_do() {
    let place = Place::new();
    let url = server(None);
    let message = fails(&place, &url, &["mnist"]);
    let path = place.path("cache/bnes/mnist/train-images-idx3-ubyte.gz");
    let address = format!("{url}/mnist/train-images-idx3-ubyte.gz: the server answers 404");
    says(&message, &[&path.display().to_string(), &address, "put it there by hand"]);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let message = fails(&place, &format!("http://{closed}"), &["adult", "--output", "sets"]);
    says(&message, &["sets/adult/adult.data", &closed.to_string(), "put it there by hand"]);
}

#[test]
fn what_is_not_the_set_is_neither_kept_nor_believed() {
    let place = Place::new();
    let url = server(Some(b"<html>please log in</html>"));
    let message = fails(&place, &url, &["california-housing", "--output", "sets"]);
    says(&message, &["cal_housing.tgz", "another file, of 26 bytes instead of 441963"]);
    assert_eq!(std::fs::read_dir(place.path("sets/california-housing")).unwrap().count(), 0);
    place.write("sets/proben1/building/building1.dt", "mine");
    let message = fails(&place, &url, &["proben1", "--output", "sets"]);
    says(&message, &["building1.dt: this is not the file that belongs here", "move it away"]);
    assert_eq!(std::fs::read(place.path("sets/proben1/building/building1.dt")).unwrap(), b"mine");
}

#[test]
fn the_help_names_every_set() {
    let place = Place::new();
    let help = place.succeeds(&["data", "fetch", "--help"]);
    says(&help, &["mnist", "fashion-mnist", "adult", "california-housing", "proben1", "--mirror"]);
    let message = place.fails(2, &["data", "fetch", "minst"]);
    says(&message, &["mnist", "minst"]);
}
