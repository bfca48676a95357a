// A client of the log that the Go team wrote the difficult parts of (golang.org/x/mod/sumdb: tlog and note):
//
//	tlog-client PREFIX VKEY [entries], with a token in TOKEN
//
// PREFIX is where the log is served: checkpoint and tiles are below it. For each line on its input it reads the newest checkpoint, and checks that it continues every one that it read before, and that the last record of each
// is in each newer one. It reads all tiles anew each time, also those of the old checkpoints, and prints the size of the log. With "entries" it also reads the
// bundles of entries, checks that each is the record that the tiles have, and prints them. Where the key of the log was rotated, it follows the keyring
// (docs/formats/checkpoint.md) from the key that it knows to the next.
package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8

type tiles struct{ url string }

func (t tiles) Height() int { return tileHeight }

func (t tiles) ReadTiles(list []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, 0, len(list))
	for _, tile := range list {
		// Paths of tlog-tiles have no height.
		path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight), "tile/", 1)
		bytes, err := fetch(t.url + "/" + path)
		if err != nil {
			return nil, err
		}
		data = append(data, bytes)
	}
	return data, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func fetch(url string) ([]byte, error) {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("TOKEN"))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, response.Status)
	}
	return io.ReadAll(response.Body)
}

// The checkpoint's extension line is none of a tree of the sum database.
func readCheckpoint(url string, verifiers note.Verifiers) (tlog.Tree, error) {
	bytes, err := fetch(url + "/checkpoint")
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(bytes, verifiers)
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	var tree tlog.Tree
	if _, err := fmt.Sscanf(lines[1], "%d", &tree.N); err != nil {
		return tlog.Tree{}, err
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	return tree, err
}

// followKeys returns the verifier of the newest key in the keyring of the log: each handover that names the known one last but one must be signed by it.
func followKeys(url string, known note.Verifier) (note.Verifier, error) {
	ring, err := fetch(url + "/keys")
	if err != nil {
		return nil, err
	}
	parts := strings.Split(string(ring), "\n\n")
	for i := 0; i+1 < len(parts); i += 2 {
		lines := strings.Split(parts[i], "\n")
		next, err := note.NewVerifier(lines[len(lines)-1][strings.LastIndex(lines[len(lines)-1], " ")+1:])
		if err != nil {
			return nil, err
		}
		opened, err := note.Open([]byte(parts[i]+"\n\n"+strings.TrimSuffix(parts[i+1], "\n")+"\n"), note.VerifierList(known, next))
		if err == nil && len(opened.Sigs) == 2 {
			known = next
		}
	}
	return known, nil
}

func continues(newer, older tlog.Tree, url string) error {
	reader := tlog.TileHashReader(newer, tiles{url})
	proof, err := tlog.ProveTree(newer.N, older.N, reader)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, newer.N, newer.Hash, older.N, older.Hash); err != nil {
		return err
	}
	last := older.N - 1
	leaf, err := tlog.TileHashReader(older, tiles{url}).ReadHashes([]int64{tlog.StoredHashIndex(0, last)})
	if err != nil {
		return err
	}
	record, err := tlog.ProveRecord(newer.N, last, reader)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(record, newer.N, newer.Hash, last, leaf[0])
}

// Bundles have 256 entries, each behind its length in two bytes.
func printEntries(newest tlog.Tree, url string) error {
	reader := tlog.TileHashReader(newest, tiles{url})
	for first := int64(0); first < newest.N; first += 1 << tileHeight {
		tile := tlog.Tile{H: tileHeight, L: -1, N: first >> tileHeight, W: int(min(newest.N-first, 1<<tileHeight))}
		path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/data/", tileHeight), "tile/entries/", 1)
		rest, err := fetch(url + "/" + path)
		if err != nil {
			return err
		}
		for index := first; index < first+int64(tile.W); index++ {
			if len(rest) < 2 || len(rest) < 2+int(binary.BigEndian.Uint16(rest)) {
				return fmt.Errorf("%s is cut short", path)
			}
			entry := rest[2 : 2+int(binary.BigEndian.Uint16(rest))]
			rest = rest[2+len(entry):]
			hashes, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
			if err != nil {
				return err
			}
			if hashes[0] != tlog.RecordHash(entry) {
				return fmt.Errorf("entry %d is not the record of the tiles", index)
			}
			fmt.Printf("%q\n", entry)
		}
		if len(rest) > 0 {
			return fmt.Errorf("%s is too long", path)
		}
	}
	return nil
}

func main() {
	url := os.Args[1]
	verifier, err := note.NewVerifier(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	var kept []tlog.Tree
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		newest, err := readCheckpoint(url, note.VerifierList(verifier))
		if _, isUnknown := err.(*note.UnverifiedNoteError); isUnknown {
			if verifier, err = followKeys(url, verifier); err == nil {
				newest, err = readCheckpoint(url, note.VerifierList(verifier))
			}
		}
		if err != nil {
			log.Fatal(err)
		}
		kept = append(kept, newest)
		for _, older := range kept {
			if err := continues(newest, older, url); err != nil {
				log.Fatalf("from %d to %d: %v", older.N, newest.N, err)
			}
		}
		fmt.Println(newest.N)
		if len(os.Args) > 3 {
			if err := printEntries(newest, url); err != nil {
				log.Fatal(err)
			}
		}
	}
}
