// Opens a cosigned checkpoint with the note package of the Go team (golang.org/x/mod/sumdb/note), to which it adds only the verifier of
// c2sp.org/tlog-cosignature:
//
//	cosigned LOG-VKEY WITNESS-VKEY... < NOTE
//
// It prints the names of the keys whose signatures hold, one in a line, and fails if a line by one of these keys does not hold.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

const cosignatureType = 4

type witness struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (w witness) Name() string    { return w.name }
func (w witness) KeyHash() uint32 { return w.hash }

func (w witness) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	signed := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(sig), msg)
	return ed25519.Verify(w.key, []byte(signed), sig[8:])
}

func parseWitness(vkey string) witness {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		log.Fatalf("%s is no verifier key", vkey)
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 1+ed25519.PublicKeySize || key[0] != cosignatureType {
		log.Fatalf("%s is no key of a witness", vkey)
	}
	sum := sha256.Sum256(bytes.Join([][]byte{[]byte(parts[0]), key}, []byte("\n")))
	hash := binary.BigEndian.Uint32(sum[:])
	if fmt.Sprintf("%08x", hash) != parts[1] {
		log.Fatalf("%s has another id", vkey)
	}
	return witness{parts[0], hash, key[1:]}
}

func main() {
	of, err := note.NewVerifier(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	verifiers := []note.Verifier{of}
	for _, vkey := range os.Args[2:] {
		verifiers = append(verifiers, parseWitness(vkey))
	}
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	opened, err := note.Open(text, note.VerifierList(verifiers...))
	if err != nil {
		log.Fatal(err)
	}
	for _, signature := range opened.Sigs {
		fmt.Println(signature.Name)
	}
}
