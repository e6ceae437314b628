package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"showroom/call"
	"showroom/signaling/rest"
	"showroom/store"
)

func bootstrapFile(data string) string { return filepath.Join(data, "bootstrap.key") }

// bootstrap makes the first API key of this data folder and returns the file that has its secret; nothing where there ever was a key.
// The file is written before the key is made: when the process dies in between, the next start makes the key of the same secret.
func (a *app) bootstrap(ctx context.Context) (file string, err error) {
	keys, err := a.store.Keys(ctx)
	if err != nil || len(keys) > 0 {
		return "", err
	}
	file = bootstrapFile(a.cfg.Data)
	text, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		text = []byte(store.NewSecret() + "\n")
		if err := writeSynced(file, text); err != nil {
			return "", err
		}
	case err != nil:
		return "", err
	}
	_, err = a.store.AddKey(ctx, strings.TrimSpace(string(text)), call.Key{Name: "bootstrap", Scope: rest.ScopeOperator})
	return file, err
}

// writeSynced puts a secret into a file of its owner only: beside, synced, renamed.
func writeSynced(file string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", file, err), os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), file)
}
