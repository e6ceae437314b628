package main

import (
	_ "github.com/alecthomas/kong"
	_ "github.com/at-wat/ebml-go"
	_ "github.com/chromedp/chromedp"
	_ "github.com/golang-jwt/jwt/v5"
	_ "github.com/google/go-cmp/cmp"
	_ "github.com/gorilla/websocket"
	_ "github.com/minio/minio-go/v7"
	_ "github.com/pion/ice/v4"
	_ "github.com/pion/interceptor"
	_ "github.com/pion/logging"
	_ "github.com/pion/rtcp"
	_ "github.com/pion/rtp"
	_ "github.com/pion/sdp/v3"
	_ "github.com/pion/transport/v4"
	_ "github.com/pion/transport/v4/vnet"
	_ "github.com/pion/webrtc/v4"
	_ "github.com/pion/webrtc/v4/pkg/media"
	_ "go.etcd.io/bbolt"
	_ "go.uber.org/goleak"
	_ "go.yaml.in/yaml/v4"
	_ "golang.org/x/crypto/argon2"
	_ "golang.org/x/time/rate"
	_ "pgregory.net/rapid"
	_ "github.com/pion/srtp/v3"
	_ "github.com/pion/dtls/v3"
	_ "github.com/pion/stun/v4"
	_ "golang.org/x/net/ipv4"
)

func main() {}
