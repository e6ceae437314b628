package main

import "encoding/base64"

// tonePacket is the size of each Opus packet of 20 ms in toneText (12 kbit/s, constant).
const tonePacket = 30 // bytes

// toneText is a second of 440 Hz: ffmpeg -f lavfi -i sine=frequency=440:duration=1:sample_rate=48000 -ac 1 -c:a libopus -b:a 12k -vbr off -frame_duration 20,
// the payloads of its packets one behind the other.
const toneText = "" +
	"S0EDrDF3Ea9dZt9v8EW5Lpqlo1/Zsc58FtuUAAAASwGqhwUXfQTOU6YnVLeNGr1GYfJraxckHZJiUjBgSwGeKjF3sDs/UHF+aBHBfjj4S1PNVFhy/SqKKQCQS0EBnmlOWxeVvYfUrz3S" +
	"IH5lBWEq25/TGViIzNIAS0EApFJ6rFSWY3k/US7rDmKqciAZkzaIU1yi29hgS0EDow81ygMfGYqxg6eJhiR6a8Rf0NT+WmiAAAAAS0EDo0T5Wmcy70N4A9H+Do7kepIQYpnQRH1gAAAA" +
	"SKH4H+sFDRCOfmx4fzvOXaXUyV1/Pbns1hagHIt4SKp+tlpGXWbfb5zs3SyfQecErKydy+wA2s4fcH4gS0EBpI8D32qWYzb4Wll+qvV9SmnE+/41SId0KaAAS0EGn0auu19fGYq66Evc" +
	"rPkGMKPlRzihAAAAAAAASwGiinlvyWuZP8ChISc76Ajys69Wymha+xCoA3y0S0EGr5b2AgG2+XFIs6GCWeJJHpU4yFPwAAAAAAAAS0ECpxk3yRhdZt93glheS5SWUkBZlNzX1Wa6bAAA" +
	"SKqHLbZd7opbqhC5+uzKcGySN+6VBfG50/5OFU3+SKB/NMKAnU+cSLy/4JrhvBa6tRaEPE88s/1b0ucgSKKKeWk+tPRezFyCo2Nn3ZfphG57xIE52wAPcQLcS0EGr5bA0rwg+hgn3zYw" +
	"UtASyCzo3a3QAAAAAAAASKBgniz4U2pBE8t5ix4h/ic3TAgA/Xgy9JlYJLtAS0EBn5WFQuarkJKDecQ9uycyOIL1HsgawOU0310ASJ/6jBBZ0kuc0kOfC/Sy178vblVahxeJbKYcEGmA" +
	"SJ1K0FYNoE88pFdhEwtF4PTJFDZCvb+fgv40rSd4SJ6yMtn9H10/FzC6QPg2MbpdqckfXKcIs4UIp8xwSJ8XAgbqdC8CjzkYgQCho7aXnoxFzckN5W6UsTloSKYE5BshgUfvzpH5CSd3" +
	"TGvMauJFQRGI9xTQ4ZcQSKCywQx9SrjaTdlqEbGjOajGfQkD1oXiy188adBASwGl1wDsb6dClk6r0CljqUHaQo87m16vmQfJ6hkUSJ+VuFBdoE9iyqe3dmBPtyqms5XF+XK2L48KkECA" +
	"SJ6yMtn9H10/JNm8ai0Jheh9VJD0Fz9dsB9IwJXAS0EAOb4h3HJvmhh4oYFkHW0y2RKIrO+VIjWlwTc8S0EAOZrx3oVwmZ4iXrc2SUUxWp7ujq14lvzK+w/qSDjtsdxyd74WOvdhNhea" +
	"A/by0HPOQXSOtD1N5iu5SwE47bHccoV9ktAzQX4YG69PDoNhVAHwhsZdnFw6SwE5viHccn81QLj4AQUuC7Cfd4knNX0GQZv0fRgSSDqOkdxycWyiqklwrtDyOjCldT5Dk3xaznIvWX2o" +
	"SDprYd6FcNLaQmcV6BnmWv2bKMmlJvRztKQSqA4sSDqOkdxyd7mwAt/Ywlkt3VJ3iYrGplqbd6H74GZAS0EAOX2xltVw0Q4Tzu2ALg4cawDFuDjivIzd5eTvS0EBOf6HXeo5ZMT8wfnd" +
	"GWzWQEk3Zl7ImVEHdNAAS0ECOb4h3HJvmhhyfXz9+vXrh0qQOekg2ekFLAAAS0EAOb4h3HJ9q5ybMGN1IptHf49FM4Psw++jbR+mS0ECOo6R3HJ2X27bGRZF3eJP4hI4JHXmCUcG6AAA" +
	"SwE6TiGW1XJzQnfTda2KQfrkX1jqaR+ubEASAZE4SDm+IdxycWz24JrrnQVUxu54PyadzX4E/lIaf9s8SwE5viHccn7eG60W2NBGNIiTQKqTIzsh/rL52yeWSDma8d6FcNNmWTG3gPiW" +
	"Vzm8BsjmvgDmHF2wr7bESwE5DL5iujdkowtd77sj5alPebrBFKPx1P7gShMQS0EAOo6R3HJ2/JccdhM6LogjSqHmoUuf/fkoobFbS0EAOb4h3HKEUCkZexcSEv1+PQg/ctoL8uwO2XOA" +
	"S0EBgfqFUJARc2uuUYCbTm+9OjDuH33gACtIUHsA"

// toneOfVisitor is the packets.
func toneOfVisitor() (packets [][]byte) {
	all, err := base64.StdEncoding.DecodeString(toneText)
	if err != nil {
		panic(err) // the text is ours
	}
	for len(all) > 0 {
		packets = append(packets, all[:tonePacket])
		all = all[tonePacket:]
	}
	return packets
}
