//! Downloads from a server on this machine that cuts, lies and redirects.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread::{self, JoinHandle};

use sha2::{Digest, Sha256};
use ureq::Agent;

use super::download::{check_present, download};
use super::error::FetchError;
use super::sets::RemoteFile;
use crate::text::hex;

/// What a request is answered with: a status, headers, what the body promises to be, what is sent of it.
struct Answer {
    status: &'static str,
    headers: String,
    promised: usize,
    sent: Vec<u8>,
}

impl Answer {
    fn whole(content: &[u8]) -> Self {
        Self {
            status: "200 OK",
            headers: String::new(),
            promised: content.len(),
            sent: content.to_vec(),
        }
    }

    fn cut(content: &[u8], at: usize) -> Self {
        Self { sent: content[..at].to_vec(), ..Self::whole(content) }
    }

    fn part(content: &[u8], from: usize, said: usize) -> Self {
        let end = content.len();
        let headers = format!("Content-Range: bytes {said}-{}/{end}\r\n", end - 1);
        Self { status: "206 Partial Content", headers, ..Self::whole(&content[from..]) }
    }

    fn bare(status: &'static str, headers: String) -> Self {
        Self { status, headers, promised: 0, sent: Vec::new() }
    }
}

/// Answers one request after the other; gives the `Range` of each.
fn serve(answers: Vec<Answer>) -> (String, JoinHandle<Vec<Option<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = thread::spawn(move || {
        let answered = answers.into_iter().map(|answer| {
            let (mut stream, _) = listener.accept().unwrap();
            let lines = BufReader::new(&stream).lines().map(Result::unwrap);
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let Answer { status, headers, promised, sent } = answer;
            let head_back = format!(
                "HTTP/1.1 {status}\r\n{headers}Content-Length: {promised}\r\nConnection: close\r\n\r\n"
            );
            stream.write_all(head_back.as_bytes()).unwrap();
            // Who has seen enough may hang up.
            let _ = stream.write_all(&sent);
            head.iter().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("range").then(|| value.to_owned())
            })
        });
        answered.collect()
    });
    (url, served)
}

fn content() -> Vec<u8> {
    (0..300_000_u32).flat_map(|at| (at % 251).to_le_bytes()).collect()
}

fn known(content: &[u8]) -> RemoteFile {
    let sha256 = Box::leak(hex(Sha256::digest(content)).into_boxed_str());
    RemoteFile { path: "x.bin", bytes: content.len() as u64, sha256 }
}

fn agent() -> Agent {
    Agent::config_builder().http_status_as_error(false).proxy(None).build().into()
}

fn got(file: &RemoteFile, urls: &[String], folder: &Path) -> Result<Vec<u64>, FetchError> {
    let mut told = Vec::new();
    download(&agent(), file, urls, &folder.join(file.path), &mut |progress| {
        told.push(progress.at);
    })?;
    Ok(told)
}

#[test]
fn a_file_comes_whole_and_gets_its_name_last() {
    let (content, folder) = (content(), tempfile::tempdir().unwrap());
    let file = known(&content);
    let (url, served) = serve(vec![Answer::whole(&content)]);
    let told = got(&file, &[url], folder.path()).unwrap();
    assert!(told.is_sorted() && told[0] == 0 && told[told.len() - 1] == file.bytes);
    assert_eq!(fs::read(folder.path().join("x.bin")).unwrap(), content);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    assert_eq!(served.join().unwrap(), [None]);
    check_present(&file, &folder.path().join("x.bin")).unwrap();
}

#[test]
fn a_download_that_was_cut_off_goes_on_where_it_ended() {
    let (content, folder) = (content(), tempfile::tempdir().unwrap());
    let file = known(&content);
    let whole = || Answer::whole(&content);
    let answers = vec![Answer::cut(&content, 500_000), Answer::part(&content, 500_000, 500_000)];
    let (url, served) = serve(answers);
    let message = got(&file, std::slice::from_ref(&url), folder.path()).unwrap_err().to_string();
    assert!(message.contains("ended after 500000 of 1200000 bytes"), "{message}");
    assert!(message.contains("the same command goes on from there"), "{message}");
    assert!(!folder.path().join("x.bin").exists());
    let told = got(&file, &[url], folder.path()).unwrap();
    assert_eq!(told[0], 500_000);
    assert_eq!(served.join().unwrap(), [None, Some("bytes=500000-".to_owned())]);
    assert_eq!(fs::read(folder.path().join("x.bin")).unwrap(), content);
    // Servers that know no parts begin again; those that send another part than they were asked for are not believed.
    let (url, served) =
        serve(vec![Answer::cut(&content, 7), Answer::part(&content, 9, 9), whole()]);
    fs::remove_file(folder.path().join("x.bin")).unwrap();
    assert!(got(&file, std::slice::from_ref(&url), folder.path()).is_err());
    let message = got(&file, std::slice::from_ref(&url), folder.path()).unwrap_err().to_string();
    assert!(message.contains("206"), "{message}");
    assert_eq!(got(&file, &[url], folder.path()).unwrap()[0], 0);
    served.join().unwrap();
    assert_eq!(fs::read(folder.path().join("x.bin")).unwrap(), content);
}

#[test]
fn other_bytes_are_not_kept() {
    let (content, folder) = (content(), tempfile::tempdir().unwrap());
    let file = known(&content);
    let mut other = content.clone();
    other[1_000] ^= 1;
    let longer = [&content[..], b"more"].concat();
    for (answer, said) in [
        (Answer::whole(&other), file.sha256),
        (Answer::whole(&longer), "another file, of 1200004 bytes instead of 1200000"),
        (Answer::whole(b"<html>"), "another file, of 6 bytes instead of 1200000"),
    ] {
        let (url, served) = serve(vec![answer]);
        let message = got(&file, &[url], folder.path()).unwrap_err().to_string();
        assert!(message.contains("another file") && message.contains(said), "{message}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        served.join().unwrap();
    }
    fs::write(folder.path().join("x.bin"), other).unwrap();
    let message = check_present(&file, &folder.path().join("x.bin")).unwrap_err().to_string();
    assert!(message.contains("not the file that belongs here"), "{message}");
}

#[test]
fn the_next_place_is_asked_where_one_does_not_have_it() {
    let (content, folder) = (content(), tempfile::tempdir().unwrap());
    let file = known(&content);
    let (nowhere, gone) = serve(vec![Answer::bare("404 Not Found", String::new())]);
    let (elsewhere, here) = serve(vec![Answer::whole(&content)]);
    let location = format!("Location: {elsewhere}/moved\r\n");
    let (moved, away) = serve(vec![Answer::bare("302 Found", location)]);
    got(&file, &[nowhere, moved], folder.path()).unwrap();
    assert_eq!(fs::read(folder.path().join("x.bin")).unwrap(), content);
    for served in [gone, here, away] {
        served.join().unwrap();
    }
}

#[test]
fn where_nobody_has_it_the_message_names_the_places_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = known(b"x");
    let (url, served) = serve(vec![Answer::bare("404 Not Found", String::new())]);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let urls = [url.clone(), format!("http://{closed}/x.bin")];
    let message = got(&file, &urls, folder.path()).unwrap_err().to_string();
    served.join().unwrap();
    for part in [&url, "404 Not Found", &urls[1], "put it there by hand", "x.bin: "] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn one_process_at_a_time_downloads_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let held = fs::File::create(folder.path().join("x.bin.partial")).unwrap();
    held.lock().unwrap();
    let message = got(&known(b"x"), &[], folder.path()).unwrap_err().to_string();
    assert!(message.contains("another process"), "{message}");
}
