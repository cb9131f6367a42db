// The published Go client library against a realtime server: tokens, subscriptions, presence, history, recovery, refresh,
// differences, in JSON and Protobuf. Usage: client SERVER PROXY CONTROL (see ../../it/sdks.rs).
package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/centrifugal/centrifuge-go"
)

const patience = 20 * time.Second

var server, proxy, control = os.Args[1], os.Args[2], os.Args[3]

func sign(claims map[string]any) string {
	part := base64.RawURLEncoding.EncodeToString
	body, _ := json.Marshal(claims)
	message := part([]byte(`{"alg":"HS256"}`)) + "." + part(body)
	mac := hmac.New(sha256.New, []byte("secret"))
	mac.Write([]byte(message))
	return message + "." + part(mac.Sum(nil))
}

func check(what string, good bool) {
	if !good {
		log.Fatalln("wrong:", what)
	}
}

func must(what string, err error) {
	if err != nil {
		log.Fatalln(what+":", err)
	}
}

func api(method string, body any) {
	data, _ := json.Marshal(body)
	request, _ := http.NewRequest("POST", "http://"+server+"/api/"+method, bytes.NewReader(data))
	request.Header.Set("X-API-Key", "test-api-key")
	response, err := http.DefaultClient.Do(request)
	must(method, err)
	defer response.Body.Close()
	told, _ := io.ReadAll(response.Body)
	check(method+": "+string(told), strings.HasPrefix(string(told), `{"result"`))
}

func cut() {
	connection, err := net.Dial("tcp", control)
	must("cut", err)
	io.Copy(io.Discard, connection)
	connection.Close()
}

func next[T any](what string, events <-chan T) T {
	select {
	case event := <-events:
		return event
	case <-time.After(patience):
		log.Fatalln("waited in vain for", what)
		panic("unreachable")
	}
}

func everything(label string, protobuf bool) {
	var tokens atomic.Int64
	config := centrifuge.Config{
		MinReconnectDelay: 50 * time.Millisecond,
		GetToken: func(centrifuge.ConnectionTokenEvent) (string, error) {
			lifetime := int64(600)
			if tokens.Add(1) < 3 {
				lifetime = 2
			}
			return sign(map[string]any{"sub": "reader", "exp": time.Now().Unix() + lifetime}), nil
		},
	}
	url := "ws://" + proxy + "/connection/websocket"
	client := centrifuge.NewJsonClient(url, config)
	if protobuf {
		client = centrifuge.NewProtobufClient(url, config)
	}
	disconnected := make(chan centrifuge.DisconnectedEvent, 10)
	client.OnDisconnected(func(event centrifuge.DisconnectedEvent) { disconnected <- event })
	must("connect", client.Connect())

	channel := "durable:go-" + label
	subscription, err := client.NewSubscription(channel, centrifuge.SubscriptionConfig{Delta: centrifuge.DeltaTypeFossil, JoinLeave: true})
	must("new subscription", err)
	subscribed := make(chan centrifuge.SubscribedEvent, 10)
	publications := make(chan centrifuge.PublicationEvent, 1000)
	subscription.OnSubscribed(func(event centrifuge.SubscribedEvent) { subscribed <- event })
	subscription.OnPublication(func(event centrifuge.PublicationEvent) { publications <- event })
	must("subscribe", subscription.Subscribe())
	check("recoverable", next("subscribed", subscribed).Recoverable)

	words := strings.Repeat("the same words over and over ", 20)
	for number := uint64(1); number <= 5; number++ {
		data := []byte(fmt.Sprintf(`{"n":%d,"text":%q}`, number, words))
		_, err := subscription.Publish(context.Background(), data)
		must("publish", err)
		event := next("publication", publications)
		check(fmt.Sprintf("publication %d: %+v", number, event), event.Offset == number && string(event.Data) == string(data))
		check("publisher", event.Info != nil && event.Info.User == "reader")
	}
	_, err = client.Publish(context.Background(), "small:x", []byte("1"))
	var refused *centrifuge.Error
	check(fmt.Sprint("publishing where it may not: ", err), errors.As(err, &refused) && refused.Code == 103)

	presence, err := subscription.Presence(context.Background())
	must("presence", err)
	check("presence", len(presence.Clients) == 1)
	stats, err := subscription.PresenceStats(context.Background())
	must("presence stats", err)
	check("presence stats", stats.NumClients == 1 && stats.NumUsers == 1)
	history, err := subscription.History(context.Background(), centrifuge.WithHistoryLimit(2), centrifuge.WithHistoryReverse(true))
	must("history", err)
	check("history", len(history.Publications) == 2 && history.Publications[0].Offset == 5 && history.Publications[1].Offset == 4)

	cut()
	for at := 6; at <= 405; at += 100 {
		commands := []any{}
		for number := at; number < at+100; number++ {
			publish := map[string]any{"channel": channel, "data": map[string]any{"n": number}}
			commands = append(commands, map[string]any{"publish": publish})
		}
		api("batch", map[string]any{"commands": commands})
	}
	again := next("subscribed again", subscribed)
	check("recovered", again.WasRecovering && again.Recovered)
	for number := uint64(6); number <= 405; number++ {
		event := next("missed publication", publications)
		check(fmt.Sprintf("missed %d: %+v", number, event), event.Offset == number && string(event.Data) == fmt.Sprintf(`{"n":%d}`, number))
	}
	for begun := time.Now(); tokens.Load() < 3; time.Sleep(100 * time.Millisecond) {
		check("refreshes", time.Since(begun) < patience)
	}
	api("disconnect", map[string]any{"user": "reader", "disconnect": map[string]any{"code": 4501, "reason": "enough"}})
	end := next("disconnected", disconnected)
	check(fmt.Sprintf("disconnected: %+v", end), end.Code == 4501 && end.Reason == "enough")
	fmt.Printf("%s: connected, subscribed, published, present, recovered 400, refreshed %d times\n", label, tokens.Load())
}

func main() {
	everything("json", false)
	everything("protobuf", true)
}
