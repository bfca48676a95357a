// A second verifier, written from docs/formats alone. Trees, proofs and signatures are checked by the code of the Go team (golang.org/x/mod/sumdb: tlog and
// note).
//
//	verifier PATH [VKEY [KEYRING]]
//
// PATH is a store, a bundle or a receipt. Without VKEY the key of the store or the bundle counts. KEYRING is a file; with - as VKEY its newest key counts. It prints each finding, and exits with the code of
// docs/formats/verification.md.
package main

import (
	"bytes"
	"fmt"
	"os"
)

// The verdicts, by their exit codes.
const (
	holds = iota
	integrity
	completeness
	retention
	trust
	malformed
)

// precedence has the most serious verdict first.
var precedence = []int{integrity, trust, completeness, retention, malformed}

var names = []string{"holds", "integrity", "completeness", "retention", "trust", "malformed"}

// findings collects what is wrong.
type findings struct {
	codes [malformed + 1]bool
	lines []string
}

func (f *findings) add(code int, format string, values ...any) {
	f.codes[code] = true
	if len(f.lines) < 100 {
		f.lines = append(f.lines, names[code]+": "+fmt.Sprintf(format, values...))
	}
}

func (f *findings) verdict() int {
	for _, code := range precedence {
		if f.codes[code] {
			return code
		}
	}
	return holds
}

func verify(path string, g given) *findings {
	found := &findings{}
	info, err := os.Stat(path)
	if err != nil {
		found.add(malformed, "%v", err)
		return found
	}
	if info.IsDir() {
		verifyStore(path, g, found)
		return found
	}
	file, err := os.ReadFile(path)
	switch {
	case err != nil:
		found.add(malformed, "%v", err)
	case bytes.HasPrefix(file, []byte(receiptStart+"\n")):
		verifyReceipt(file, g, found)
	case bytes.HasPrefix(file, []byte(`{"bundle":`)):
		verifyBundle(file, g, found)
	default:
		found.add(malformed, "neither a bundle nor a receipt")
	}
	return found
}

// Each line on the input is `PATH`, `PATH VKEY` or `PATH VKEY KEYRING`; each answer is a line with the verdict, and the findings behind it.
func serve() {
	for {
		var path, vkey, ring string
		if count, err := fmt.Scanln(&path, &vkey, &ring); count == 0 && err != nil {
			return
		}
		found := verify(path, givenBy(vkey, ring))
		fmt.Printf("%s %q\n", names[found.verdict()], found.lines)
	}
}

func givenBy(vkey, ringPath string) given {
	if vkey == "-" {
		vkey = ""
	}
	return given{vkey, ringPath}
}

func main() {
	if len(os.Args) < 2 {
		serve()
		return
	}
	words := append(os.Args[2:], "", "")
	found := verify(os.Args[1], givenBy(words[0], words[1]))
	for _, line := range found.lines {
		fmt.Println(line)
	}
	fmt.Println(names[found.verdict()])
	os.Exit(found.verdict())
}
