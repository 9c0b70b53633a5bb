// Verifies an exported log with golang.org/x/mod/sumdb, which is not ours:
//
//	verify DIR [CHECKPOINT ...]
//
// The note's signature, every entry against its tiles up to the root, inclusion at the edges, and
// consistency with each older checkpoint. The only thing said to the library about our paths is
// that C2SP writes tile/<L> where sumdb writes tile/<height>/<L>.
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type folder struct{ root string }

func (f folder) Height() int { return height }

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var read [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
		data, err := os.ReadFile(filepath.Join(f.root, path))
		if err != nil {
			return nil, err
		}
		read = append(read, data)
	}
	return read, nil
}

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

func head(path string, verifiers note.Verifiers) (tlog.Tree, string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return tlog.Tree{}, "", err
	}
	opened, err := note.Open(data, verifiers)
	if err != nil {
		return tlog.Tree{}, "", err
	}
	// sumdb's own parser demands its own first line.
	lines := strings.SplitN(opened.Text, "\n", 2)
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + lines[1]))
	return tree, lines[0], err
}

func entries(root string, index, width int64) ([][]byte, error) {
	tile := tlog.Tile{H: height, L: 0, N: index, W: int(width)}
	path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/0/", height), "tile/entries/", 1)
	data, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		return nil, err
	}
	var found [][]byte
	for len(data) > 0 {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("a bundle ends early")
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		found = append(found, data[2:end])
		data = data[end:]
	}
	if int64(len(found)) != width {
		return nil, fmt.Errorf("a bundle of %d entries, not %d", len(found), width)
	}
	return found, nil
}

func verify(root string, older []string) (int64, error) {
	vkey, err := os.ReadFile(filepath.Join(root, "vkey"))
	if err != nil {
		return 0, err
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	if err != nil {
		return 0, err
	}
	verifiers := note.VerifierList(verifier)
	tree, origin, err := head(filepath.Join(root, "checkpoint"), verifiers)
	if err != nil {
		return 0, err
	}
	if origin != verifier.Name() {
		return 0, fmt.Errorf("a log of another name")
	}
	hashes := tlog.TileHashReader(tree, folder{root})
	for first := int64(0); first < tree.N; first += 1 << height {
		width := tree.N - first
		if width > 1<<height {
			width = 1 << height
		}
		bundle, err := entries(root, first>>height, width)
		if err != nil {
			return 0, err
		}
		var indexes []int64
		for i := range bundle {
			indexes = append(indexes, tlog.StoredHashIndex(0, first+int64(i)))
		}
		found, err := hashes.ReadHashes(indexes)
		if err != nil {
			return 0, err
		}
		for i, entry := range bundle {
			if found[i] != tlog.RecordHash(entry) {
				return 0, fmt.Errorf("entry %d is not the one in its tile", first+int64(i))
			}
		}
	}
	for _, index := range []int64{0, tree.N / 2, tree.N - 1} {
		leaf, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
		if err != nil {
			return 0, err
		}
		proof, err := tlog.ProveRecord(tree.N, index, hashes)
		if err == nil {
			err = tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaf[0])
		}
		if err != nil {
			return 0, err
		}
	}
	for _, path := range older {
		before, name, err := head(path, verifiers)
		if err != nil {
			return 0, err
		}
		if name != origin {
			return 0, fmt.Errorf("%s is of another log", path)
		}
		proof, err := tlog.ProveTree(tree.N, before.N, hashes)
		if err == nil {
			err = tlog.CheckTree(proof, tree.N, tree.Hash, before.N, before.Hash)
		}
		if err != nil {
			return 0, err
		}
	}
	return tree.N, nil
}

func main() {
	failed := false
	// Several logs in one run: folders, each followed by its older checkpoints, apart by "--".
	arguments := append(os.Args[1:], "--")
	for len(arguments) > 1 {
		end := 0
		for arguments[end] != "--" {
			end++
		}
		size, err := verify(arguments[0], arguments[1:end])
		if err != nil {
			failed = true
			fmt.Printf("BAD %s: %v\n", arguments[0], err)
		} else {
			fmt.Printf("OK %s entries=%d\n", arguments[0], size)
		}
		arguments = arguments[end+1:]
		if len(arguments) == 0 {
			break
		}
	}
	if failed {
		os.Exit(1)
	}
}
