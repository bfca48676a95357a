// Makes the test vectors of the proofs with code of the Go team (golang.org/x/mod/sumdb: tlog and note), so that what the ledger is held to
// does not come from this project. The output is the same each time:
//
//	cd tools/vectors && go run . ../../ledger/src/testdata/vectors
//
// inclusion.ndjson, consistency.ndjson: one claim a line, and whether tlog refuses it. log.ndjson: the files of a tiled log at each of some sizes (tiles and
// checkpoints), one a line; its first line names the verifier key and how many leaves there are. Leaf i is the text `leaf i`.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	origin     = "log.example/vectors"
	leaves     = 600
	tileHeight = 8
)

var sizes = []int64{1, 2, 3, 4, 5, 7, 8, 9, 31, 255, 256, 257, 513, leaves}

type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	list := make([]tlog.Hash, 0, len(indexes))
	for _, index := range indexes {
		list = append(list, h[index])
	}
	return list, nil
}

type inclusion struct {
	Name     string   `json:"name"`
	Index    int64    `json:"index"`
	Size     int64    `json:"size"`
	LeafHash []byte   `json:"leafHash"`
	Root     []byte   `json:"root"`
	Proof    [][]byte `json:"proof"`
	Refused  bool     `json:"refused"`
}

type consistency struct {
	Name    string   `json:"name"`
	Size1   int64    `json:"size1"`
	Size2   int64    `json:"size2"`
	Root1   []byte   `json:"root1"`
	Root2   []byte   `json:"root2"`
	Proof   [][]byte `json:"proof"`
	Refused bool     `json:"refused"`
}

type file struct {
	Path  string `json:"path"`
	Bytes []byte `json:"bytes"`
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func leaf(i int64) []byte {
	return fmt.Appendf(nil, "leaf %d", i)
}

func flip(hash tlog.Hash) tlog.Hash {
	hash[7] ^= 4
	return hash
}

// variants of a proof: as it is, and each way to spoil it.
func variants(proof []tlog.Hash, other tlog.Hash) map[string][]tlog.Hash {
	all := map[string][]tlog.Hash{"as it is": proof, "one hash more": append(append([]tlog.Hash{}, proof...), other)}
	if len(proof) > 0 {
		all["the last missing"] = proof[:len(proof)-1]
		all["the first missing"] = proof[1:]
		changed := append([]tlog.Hash{}, proof...)
		changed[len(changed)/2] = flip(changed[len(changed)/2])
		all["a bit changed"] = changed
	}
	if len(proof) > 1 {
		turned := append([]tlog.Hash{}, proof...)
		turned[0], turned[len(turned)-1] = turned[len(turned)-1], turned[0]
		all["two in the other order"] = turned
	}
	return all
}

var order = []string{"as it is", "one hash more", "the last missing", "the first missing", "a bit changed", "two in the other order"}

func raw(list []tlog.Hash) [][]byte {
	out := [][]byte{}
	for _, hash := range list {
		out = append(out, hash[:])
	}
	return out
}

func inclusions(stored hashes) []any {
	var out []any
	for _, size := range sizes {
		root := must(tlog.TreeHash(size, stored))
		for _, index := range []int64{0, size / 3, size - 1} {
			proof := must(tlog.ProveRecord(size, index, stored))
			hash := tlog.RecordHash(leaf(index))
			add := func(name string, proof []tlog.Hash, index, size int64, hash, root tlog.Hash) {
				refused := index < 0 || index >= size || tlog.CheckRecord(tlog.RecordProof(proof), size, root, index, hash) != nil
				out = append(out, inclusion{name, index, size, hash[:], root[:], raw(proof), refused})
			}
			spoiled := variants(proof, root)
			for _, name := range order {
				if list, ok := spoiled[name]; ok {
					add(name, list, index, size, hash, root)
				}
			}
			add("another index", proof, index+1, size, hash, root)
			add("another leaf", proof, index, size, flip(hash), root)
			add("another root", proof, index, size, hash, flip(root))
			add("another size", proof, index, size+1, hash, root)
		}
	}
	return out
}

func consistencies(stored hashes) []any {
	var out []any
	for _, size2 := range sizes {
		for _, size1 := range []int64{1, size2/2 + 1, size2 - 1, size2} {
			if size1 < 1 || size1 > size2 {
				continue
			}
			root1, root2 := must(tlog.TreeHash(size1, stored)), must(tlog.TreeHash(size2, stored))
			proof := must(tlog.ProveTree(size2, size1, stored))
			add := func(name string, proof []tlog.Hash, size1, size2 int64, root1, root2 tlog.Hash) {
				refused := tlog.CheckTree(tlog.TreeProof(proof), size2, root2, size1, root1) != nil
				out = append(out, consistency{name, size1, size2, root1[:], root2[:], raw(proof), refused})
			}
			spoiled := variants(proof, root1)
			for _, name := range order {
				if list, ok := spoiled[name]; ok {
					add(name, list, size1, size2, root1, root2)
				}
			}
			add("another old root", proof, size1, size2, flip(root1), root2)
			add("another new root", proof, size1, size2, root1, flip(root2))
			add("another new size", proof, size1, size2+1, root1, root2)
		}
	}
	return out
}

func tiledLog(stored hashes) []any {
	seed := sha256.Sum256([]byte(origin))
	private := ed25519.NewKeyFromSeed(seed[:])
	verifier := must(note.NewEd25519VerifierKey(origin, private.Public().(ed25519.PublicKey)))
	keyHash := strings.Split(verifier, "+")[1]
	signer := must(note.NewSigner("PRIVATE+KEY+" + origin + "+" + keyHash + "+" + base64.StdEncoding.EncodeToString(append([]byte{1}, seed[:]...))))
	out := []any{map[string]any{"key": verifier, "leaves": leaves}}
	seen := map[string]bool{}
	for i, size := range sizes {
		root := must(tlog.TreeHash(size, stored))
		text := fmt.Sprintf("%s\n%d\n%s\n", origin, size, root)
		out = append(out, file{fmt.Sprintf("checkpoint.%d", size), must(note.Sign(&note.Note{Text: text}, signer))})
		old := int64(0)
		if i > 0 {
			old = sizes[i-1]
		}
		for _, tile := range tlog.NewTiles(tileHeight, old, size) {
			// The Go team's paths name the height of the tiles, those of c2sp.org/tlog-tiles do not.
			path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight), "tile/", 1)
			if !seen[path] {
				seen[path] = true
				out = append(out, file{path, must(tlog.ReadTileData(tile, stored))})
			}
		}
	}
	return out
}

func write(path string, lines []any) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	for _, line := range lines {
		if err := encoder.Encode(line); err != nil {
			log.Fatal(err)
		}
	}
	if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go run . DIRECTORY")
	}
	var stored hashes
	for i := range int64(leaves) {
		stored = append(stored, must(tlog.StoredHashes(i, leaf(i), stored))...)
	}
	write(filepath.Join(os.Args[1], "inclusion.ndjson"), inclusions(stored))
	write(filepath.Join(os.Args[1], "consistency.ndjson"), consistencies(stored))
	write(filepath.Join(os.Args[1], "log.ndjson"), tiledLog(stored))
}
