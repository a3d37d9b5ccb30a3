{
  "targets": [
    {
      "target_name": "emperor_native",
      "sources": [
        "native/src/addon.cc",
        "native/src/ancillary.cc",
        "native/src/arguments.cc",
        "native/src/channel-server.cc",
        "native/src/credentials.cc",
        "native/src/descriptor-channel.cc",
        "native/src/descriptors.cc",
        "native/src/errors.cc",
        "native/src/execute.cc",
        "native/src/listener.cc",
        "native/src/notification.cc",
        "native/src/notify-socket.cc",
        "native/src/poll-watch.cc",
        "native/src/process-watch.cc",
        "native/src/process.cc",
        "native/src/reactor/create-reactor.cc",
        "native/src/reactor/layout.cc",
        "native/src/shared-bytes.cc",
        "native/src/socket-ending.cc",
        "native/src/socket.cc",
        "native/src/tcp-address.cc"
      ],
      "conditions": [
        [
          "OS=='linux'",
          {
            "sources": [
              "native/src/reactor/commands.cc",
              "native/src/reactor/connector.cc",
              "native/src/reactor/listeners.cc",
              "native/src/reactor/pipe.cc",
              "native/src/reactor/poller.cc",
              "native/src/reactor/reactor-watch.cc",
              "native/src/reactor/reactor.cc",
              "native/src/reactor/relays.cc",
              "native/src/reactor/stream-io.cc",
              "native/src/reactor/stream-table.cc",
              "native/src/reactor/streams.cc",
              "native/src/reactor/tcp-options.cc",
              "native/src/reactor/way-trial.cc",
              "native/src/reactor/write-queue.cc"
            ]
          }
        ]
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NAPI_DISABLE_CPP_EXCEPTIONS"],
      "cflags_cc": ["-std=c++17", "-Wall", "-Wextra", "-fvisibility=hidden"],
      "xcode_settings": {
        "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
        "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
        "MACOSX_DEPLOYMENT_TARGET": "11.0",
        "WARNING_CFLAGS": ["-Wall", "-Wextra"]
      }
    }
  ]
}
