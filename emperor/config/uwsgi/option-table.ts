// Every option of uWSGI 2.0 and of its plugins, and what becomes of it here. It is data: a line is moved to `ourOptions`
// when we learn to do the thing. docs/from-uwsgi.md is made from it. PURE.
import { ours, type OptionTable, type OptionUse } from './option-use.ts';

/** Options that set a key of ours, by the names that uWSGI has for them. */
const ourOptions: readonly (readonly [names: string, use: OptionUse])[] = [
  ['processes workers', ours('number', 'processes')],
  ['threads', ours('number', 'threads')],
  ['chdir', ours('text', 'chdir')],
  ['env', ours('variable', 'env')],
  ['uid', ours('text', 'uid')],
  ['gid', ours('text', 'gid')],
  ['umask', ours('text', 'umask')],
  ['module wsgi', ours('text', 'module')],
  ['wsgi-file file', ours('text', 'wsgi-file')],
  ['callable', ours('text', 'callable')],
  ['virtualenv home venv pyhome', ours('text', 'virtualenv')],
  ['pythonpath python-path pp', ours('texts', 'pythonpath')],
  ['lazy-apps lazy', ours('flag', 'lazy-apps')],
  ['worker-reload-mercy', ours('number', 'drain-timeout')],
  ['reload-mercy', ours('number', 'stop-timeout')],
  ['limit-post', ours('number', 'limit-post')],
  ['subscribe-to st subscribe', ours('subscription', 'domains')],
  ['subscribe2', ours('subscription-map', 'domains')],
  ['x-domains', ours('words', 'domains')],
];

type Group = readonly [what: string, names: string];

/** Options that steer how the file is read. */
const reading: readonly Group[] = [
  ['read in its place', 'include ini yaml yml json js config'],
  ['read behind everything else', 'inherit'],
  ['sets a variable', 'set-placeholder set-ph'],
  ['sets an option or a variable', 'set'],
  ['repeats the lines below it, up to endfor', 'for for-times for-readline'],
  [
    'decides about the lines below it, up to endif',
    `if-opt if-not-opt if-env if-not-env ifenv if-reload if-not-reload if-hostname if-not-hostname if-hostname-match
    if-not-hostname-match if-exists if-not-exists ifexists if-file if-not-file if-dir if-not-dir ifdir if-directory`,
  ],
  ['ends a for or if', 'endfor end-for endif end-if end'],
];

/** Options whose wish is fulfilled anyway, or on which nothing depends. */
const harmless: readonly Group[] = [
  ['every app has a primary process', 'master force-gateway no-server command-mode'],
  ['sockets and other traces are always removed', 'vacuum'],
  ['TERM always ends an app', 'die-on-term exit-on-reload'],
  ['workers never outlive their primary', 'no-orphans'],
  ['an app that cannot be loaded is always a failed deploy', 'need-app no-default-app'],
  ['unknown keys are always errors', 'strict'],
  ['threads of the app always run', 'enable-threads no-threads-wait'],
  ['there is one interpreter for one app', 'single-interpreter'],
  ['the router gives each request to one worker', 'thunder-lock lock-engine ftok persistent-ipcsem'],
  [
    'language support needs no plugin',
    'plugins plugin need-plugins need-plugin plugins-dir plugin-dir autoload dlopen',
  ],
  ['fork hooks of Python always run', 'py-call-uwsgi-fork-hooks py-call-osafterfork'],
  [
    'it only prints',
    `print iprint show-config dump-options memory-report get help usage version cflags dot-h config-py build-plugin
    print-sym print-symbol clock-list clocks-list plugins-list plugin-list loop-list loops-list logger-list loggers-list
    router-list routers-list alarm-list alarms-list cheaper-algo-list cheaper-algos-list cheaper-list
    imperial-monitor-list imperial-monitors-list binary-append-data extract connect-and-read`,
  ],
  [
    'nothing depends on it',
    'auto-procname procname procname-prefix procname-prefix-spaced procname-append procname-master',
  ],
  [
    'it is about the inside of uWSGI',
    `buffer-size max-vars max-apps backtrace-depth profiler ignore-sigpipe ignore-write-errors write-errors-tolerance
    write-errors-exception-only disable-write-exception skip-zero skip-atexit skip-atexit-teardown honour-stdin reaper
    locks safe-fd fd-safe no-fd-passing close-on-exec close-on-exec2 pcre-jit use-abort mode clock loop binary-path
    check-interval forkbomb-delay refork re-fork refork-as-root re-fork-as-root refork-post-jail re-fork-post-jail
    no-defer-accept tcp-nodelay shutdown-sockets disable-sendfile body-read-warning allowed-modifiers remap-modifier
    cgi-mode vhost vhost-host catch-exceptions pyargv py-programname py-program-name wsgi-accept-buffer
    wsgi-accept-buffers wsgi-strict start_response-nodelay wsgi-env-behaviour wsgi-env-behavior python-version
    py-executable py-sys-executable optimize manage-script-name ignore-script-name binsh never-swap
    response-headers-limit offload-threads offload-thread`,
  ],
];

/** Options for things that are done in another way. */
const elsewhere: readonly Group[] = [
  [
    'the emperor binds the sockets of an app, and they speak HTTP; `listen` in emperor.yaml says where clients connect',
    `socket uwsgi-socket suwsgi-socket ssl-socket http-socket http-socket-modifier1 http-socket-modifier2 http11-socket
    https-socket https-socket-modifier1 https-socket-modifier2 fastcgi-socket fastcgi-nph-socket fastcgi-modifier1
    fastcgi-modifier2 scgi-socket scgi-nph-socket scgi-modifier1 scgi-modifier2 raw-socket raw-modifier1 raw-modifier2
    puwsgi-socket protocol socket-protocol shared-socket undeferred-shared-socket abstract-socket chmod-socket chmod
    chown-socket freebind map-socket reuse-port tcp-fast-open tcp-fastopen tcp-fast-open-client tcp-fastopen-client
    listen so-keepalive socket-sndbuf socket-rcvbuf udp multicast multicast-ttl multicast-loop zerg zerg-fallback
    zerg-server zergpool zerg-pool enable-proxy-protocol`,
  ],
  [
    "the router is the emperor's own: see `router` and `listen` in emperor.yaml",
    `http httprouter https https2 https-export-cert https-session-context http-to-https http-processes http-workers
    http-var http-to http-zerg http-fallback http-modifier1 http-modifier2 http-use-cache http-use-pattern http-use-base
    http-events http-subscription-server http-subscription-fallback-key http-manage-expect http-keepalive
    http-auto-chunked http-auto-gzip http-raw-body http-websockets http-chunked-input http-use-code-string
    http-use-socket http-gracetime http-quiet http-cheap http-stats http-stats-server http-ss http-harakiri
    http-stud-prefix http-uid http-gid http-resubscribe http-buffer-size http-server-name-as-http-host
    http-manage-source http-manage-rtsp http-enable-proxy-protocol sni sni-dir sni-dir-ciphers sni-regexp ssl-verbose
    ssl-verify-depth ssl-enable3 ssl-enable-sslv3 ssl-enable-tlsv1 ssl-option ssl-tmp-dir ssl-sessions-use-cache
    ssl-sessions-timeout fastrouter fastrouter-processes fastrouter-workers fastrouter-zerg fastrouter-use-cache
    fastrouter-use-pattern fastrouter-use-base fastrouter-fallback fastrouter-use-code-string fastrouter-use-socket
    fastrouter-to fastrouter-gracetime fastrouter-events fastrouter-quiet fastrouter-cheap fastrouter-subscription-server
    fastrouter-subscription-slot fastrouter-timeout fastrouter-post-buffering fastrouter-post-buffering-dir
    fastrouter-stats fastrouter-stats-server fastrouter-ss fastrouter-harakiri fastrouter-uid fastrouter-gid
    fastrouter-resubscribe fastrouter-resubscribe-bind fastrouter-buffer-size fastrouter-fallback-on-no-key
    fastrouter-subscription-fallback-key`,
  ],
  [
    '`router.upstream-timeout` in emperor.yaml bounds how long a worker may be silent',
    `socket-timeout so-send-timeout socket-send-timeout so-write-timeout socket-write-timeout http-timeout
    chunked-input-timeout`,
  ],
  ['`router.header-timeout` in emperor.yaml', 'http-headers-timeout http-connect-timeout'],
  [
    'the domains of an app are those of its file, and nobody has to subscribe',
    `subscribe-freq subscribe-with-modifier1 subscription-algo subscription-dotsplit subscription-tolerance
    subscriptions-sign-check subscriptions-sign-check-tolerance subscriptions-sign-skip-uid
    subscriptions-credentials-check subscriptions-use-credentials subscription-notify-socket notify-socket
    unsubscribe-on-graceful-reload start-unsubscribed weight auto-weight`,
  ],
  [
    "this is an app's file; the emperor is configured in emperor.yaml and by its flags",
    `emperor emperor-proxy-socket emperor-wrapper emperor-wrapper-override emperor-wrapper-fallback emperor-nofollow
    emperor-procname emperor-freq emperor-required-heartbeat emperor-curse-tolerance emperor-pidfile emperor-tyrant
    emperor-tyrant-nofollow emperor-tyrant-initgroups emperor-stats emperor-stats-server early-emperor emperor-broodlord
    emperor-throttle emperor-max-throttle emperor-magic-exec emperor-on-demand-extension emperor-on-demand-ext
    emperor-on-demand-directory emperor-on-demand-dir emperor-on-demand-exec emperor-extra-extension emperor-extra-ext
    emperor-no-blacklist emperor-use-clone emperor-graceful-shutdown emperor-cap vassals-cap vassal-cap vassals-inherit
    vassals-include vassals-inherit-before vassals-include-before vassals-start-hook vassals-stop-hook vassals-set
    vassal-set vassal-sos vassal-sos-backlog heartbeat hook-emperor-start hook-emperor-stop hook-emperor-reload
    hook-emperor-lost hook-as-vassal hook-as-emperor exec-as-vassal exec-as-emperor mount-as-vassal mount-as-emperor
    umount-as-vassal umount-as-emperor call-as-vassal call-as-vassal1 call-as-vassal3 call-as-emperor call-as-emperor1
    call-as-emperor2 call-as-emperor4 privileged-binary-patch unprivileged-binary-patch privileged-binary-patch-arg
    unprivileged-binary-patch-arg`,
  ],
  ['a broken edit leaves the old generation serving', 'fallback-config'],
  [
    'the emperor keeps its processes in the foreground, and knows them',
    `daemonize daemonize2 pidfile pidfile2 safe-pidfile safe-pidfile2 stop reload pause suspend resume exit flock
    flock-wait flock2 flock-wait2`,
  ],
  ['`emperor reload`, `stop`, `pause` and `scale` do it', 'master-fifo signal'],
  [
    'what an app writes is in its log (`emperor logs`), and requests are in the access log',
    `logto logto2 log-format logformat logformat-strftime log-format-strftime logfile-chown logfile-chmod log-syslog
    log-socket req-logger logger-req logger threaded-logger log-encoder log-req-encoder log-drain log-filter log-route
    log-req-route log-master log-master-bufsize log-master-stream log-master-req-stream log-reopen log-truncate
    log-maxsize log-backupname logdate log-date log-prefix log-zero log-slow log-4xx log-5xx log-big log-sendfile
    log-ioerror log-micros log-x-forwarded-for disable-logging touch-logrotate touch-logreopen log-zeromq
    rsyslog-packet-size rsyslog-split-messages notfound-log harakiri-verbose`,
  ],
  [
    '`emperor status --json` and `admin` in emperor.yaml have the figures',
    `stats stats-server stats-http stats-minified stats-min stats-push stats-pusher-default-freq
    stats-pushers-default-freq stats-no-cores stats-no-metrics enable-metrics metric metric-threshold metric-alarm
    alarm-metric metrics-dir metrics-dir-restore metric-dir metric-dir-restore metrics-no-cores snmp snmp-community carbon
    carbon-timeout carbon-freq carbon-id carbon-no-workers carbon-max-retry carbon-retry-delay carbon-root
    carbon-hostname-dots carbon-name-resolve carbon-resolve-names carbon-idle-avg carbon-use-metrics rrdtool rrdtool-freq
    rrdtool-lib zabbix-template nagios ping ping-timeout mem-collector-freq`,
  ],
  [
    'the router streams bodies and keeps slow clients from the workers',
    'post-buffering post-buffering-bufsize upload-progress chunked-input-limit',
  ],
  [
    "edit or `touch` the app's file, or `emperor reload`: a new generation takes over",
    `touch-chain-reload touch-workers-reload fs-brutal-reload py-auto-reload py-autoreload python-auto-reload
    python-autoreload py-auto-reload-ignore`,
  ],
];

/** Options for things that are not done. */
const missing: readonly Group[] = [
  [
    'not supported yet: deadlines of requests',
    `harakiri harakiri-no-arh no-harakiri-arh no-harakiri-after-req-hook harakiri-graceful-timeout
    harakiri-graceful-signal harakiri-queue-threshold`,
  ],
  [
    'not supported yet: recycling workers after some requests or some time',
    'max-requests max-requests-delta min-worker-lifetime max-worker-lifetime max-worker-lifetime-delta',
  ],
  [
    'not supported yet: recycling workers that take too much memory',
    'reload-on-as reload-on-rss evil-reload-on-as evil-reload-on-rss reload-on-fd brutal-reload-on-fd',
  ],
  ['not supported yet: limits of processes', 'limit-as limit-nproc max-fd prio cpu-affinity ksm'],
  [
    'not supported yet: scaling with the load',
    `cheaper cheaper-initial cheaper-algo cheaper-step cheaper-overload cheaper-rss-limit-soft cheaper-rss-limit-hard
    cheaper-busyness-max cheaper-busyness-min cheaper-busyness-multiplier cheaper-busyness-penalty
    cheaper-busyness-verbose cheaper-busyness-backlog-alert cheaper-busyness-backlog-multiplier
    cheaper-busyness-backlog-step cheaper-busyness-backlog-nonzero`,
  ],
  ['not supported yet: stopping what is idle', 'idle die-on-idle cheap'],
  [
    'not supported yet: cron',
    'cron cron2 unique-cron cron-harakiri legion-cron cron-legion unique-legion-cron unique-cron-legion',
  ],
  [
    'not supported yet: programs beside the app',
    `attach-daemon attach-control-daemon smart-attach-daemon smart-attach-daemon2 legion-attach-daemon
    legion-smart-attach-daemon legion-smart-attach-daemon2 daemons-honour-stdin attach-daemon2`,
  ],
  [
    'not supported yet: spoolers',
    `spooler spooler-external spooler-ordered spooler-chdir spooler-processes spooler-quiet spooler-max-tasks
    spooler-harakiri spooler-frequency spooler-freq touch-spoolers-reload spooler-import spooler-pyimport
    spooler-py-import spooler-python-import`,
  ],
  ['not supported yet: files whose touch is a reload', 'touch-reload fs-reload'],
  [
    'not supported yet: serving files',
    `static-map static-map2 check-static check-static-docroot static-check static-skip-ext static-index static-safe
    static-cache-paths static-cache-paths-name mimefile mime-file static-expires-type static-expires-type-mtime
    static-expires static-expires-mtime static-expires-uri static-expires-uri-mtime static-expires-path-info
    static-expires-path-info-mtime static-gzip static-gzip-all static-gzip-dir static-gzip-prefix static-gzip-ext
    static-gzip-suffix honour-range file-serve-mode fileserve-mode check-cache`,
  ],
  ['not supported yet: one file is one app; `domains: [host/path]` mounts it', 'mount worker-mount'],
  ['not supported yet: `env-file` reads files of NAME=value lines', 'envdir early-envdir unenv'],
  ['not supported yet: a program that serves HTTP on $PORT can be a `command`', 'worker-exec worker-exec2'],
  [
    'not supported yet: this way of loading a Python app, or of setting it up',
    `import pyimport py-import python-import shared-import shared-pyimport shared-py-import shared-python-import eval
    python py pyrun paste paste-logger ini-paste ini-paste-logged pecan web3 pump wsgi-lite pymodule-alias
    post-pymodule-alias reload-os-env no-site pyshell pyshell-oneshot py-tracebacker wsgi-disable-file-wrapper
    python-raw py-sharedarea python-worker-override test`,
  ],
  [
    'not supported yet: Ruby',
    `rack rails rb-lib ruby-lib rb-require ruby-require rbrequire rubyrequire require shared-rb-require
    shared-ruby-require shared-rbrequire shared-rubyrequire gemset rvm rvm-path rb-gc-freq ruby-gc-freq rbthreads
    rb-threads rubythreads ruby-threads rbshell rbshell-oneshot fiber`,
  ],
  [
    'not supported yet: Perl',
    `psgi psgi-enable-psgix-io perl-no-die-catch perl-local-lib perl-version perl-args perl-arg perl-exec
    perl-exec-post-fork perl-auto-reload perl-auto-reload-ignore perl-no-plack plshell plshell-oneshot early-perl
    early-psgi coroae`,
  ],
  [
    'not supported yet: PHP',
    `php-ini php-config php-ini-append php-config-append php-set php-index php-docroot php-allowed-docroot
    php-allowed-ext php-allowed-script php-server-software php-app php-app-qs php-app-bypass php-fallback
    php-fallback2 php-var php-vars php-dump-config php-exec-before php-exec-begin php-exec-after php-exec-end
    php-sapi-name early-php early-php-sapi-name`,
  ],
  [
    'not supported yet: CGI',
    `cgi cgi-map-helper cgi-helper cgi-from-docroot cgi-buffer-size cgi-timeout cgi-index cgi-allowed-ext cgi-unset
    cgi-loadlib cgi-optimize cgi-optimized cgi-path-info cgi-do-not-kill-on-error cgi-async-max-attempts
    cgi-close-stdin-on-eof cgi-safe`,
  ],
  [
    "workers have threads, and no event loop of uWSGI's",
    `async gevent gevent-monkey-patch gevent-early-monkey-patch gevent-wait-for-hub greenlet asyncio tornado ugreen
    ugreen-stacksize stackless thread-stacksize threads-stacksize thread-stack-size threads-stack-size`,
  ],
  [
    'requests are not rewritten, redirected or refused here: do it in the app',
    `route route-host route-uri route-qs route-remote-addr route-user-agent route-remote-user route-referer route-label
    route-if route-if-not route-run final-route final-route-status final-route-host final-route-uri final-route-qs
    final-route-remote-addr final-route-user-agent final-route-remote-user final-route-referer final-route-label
    final-route-if final-route-if-not final-route-run error-route error-route-status error-route-host error-route-uri
    error-route-qs error-route-remote-addr error-route-user-agent error-route-remote-user error-route-referer
    error-route-label error-route-if error-route-if-not error-route-run response-route response-route-status
    response-route-host response-route-uri response-route-qs response-route-remote-addr response-route-user-agent
    response-route-remote-user response-route-referer response-route-label response-route-if response-route-if-not
    response-route-run error-page-403 error-page-404 error-page-500 add-header rem-header del-header collect-header
    response-header-collect pull-header exception-handler reload-on-exception reload-on-exception-type
    reload-on-exception-value reload-on-exception-repr after-request-hook after-request-call`,
  ],
  [
    'there are no hooks: do it in the app, or before the emperor is started',
    `hook-asap hook-pre-jail hook-post-jail hook-in-jail hook-as-root hook-as-user hook-as-user-atexit hook-pre-app
    hook-post-app hook-post-fork hook-accepting hook-accepting1 hook-accepting-once hook-accepting1-once
    hook-master-start hook-touch hook-as-mule hook-as-gateway exec-asap exec-pre-jail exec-post-jail exec-in-jail
    exec-as-root exec-as-user exec-as-user-atexit exec-pre-app exec-post-app mount-asap mount-pre-jail mount-post-jail
    mount-in-jail mount-as-root umount-asap umount-pre-jail umount-post-jail umount-in-jail umount-as-root call-asap
    call-pre-jail call-post-jail call-in-jail call-as-root call-as-user call-as-user-atexit call-pre-app call-post-app
    wait-for-interface wait-for-interface-timeout wait-interface wait-interface-timeout wait-for-iface
    wait-for-iface-timeout wait-iface wait-iface-timeout wait-for-fs wait-for-file wait-for-dir wait-for-mountpoint
    wait-for-fs-timeout wait-for-socket wait-for-socket-timeout touch-exec touch-signal fs-signal check-mountpoint
    mountpoint-check check-mount mount-check propagate-touch file-write chdir2 force-cwd`,
  ],
  [
    'the app runs with the rights, the file system and the network of the emperor',
    `chroot pivot-root pivot_root add-gid immediate-uid immediate-gid no-initgroups cap unshare unshare2 setns-socket
    setns-socket-skip setns-skip setns setns-preopen jailed namespace namespace-keep-mount ns namespace-net ns-net cgroup
    cgroup-opt cgroup-dir-mode master-as-root drop-after-init drop-after-apps tuntap-router tuntap-device
    tuntap-use-credentials tuntap-router-firewall-in tuntap-router-firewall-out tuntap-router-route tuntap-router-stats
    tuntap-device-rule jail jail-ip4 jail-ip6 jail2 libjail jail-attach pam pam-user`,
  ],
  [
    "there is no such service of uWSGI's here: an app uses a program made for it",
    `cache cache2 cache-blocksize cache-store cache-store-sync cache-no-expire cache-expire-freq cache-report-freed-items
    cache-udp-server cache-udp-node cache-sync cache-use-last-modified add-cache-item load-file-in-cache
    load-file-in-cache-gzip queue-blocksize queue-store queue-store-sync sharedarea mule mules farm mule-msg-size
    mule-harakiri mule-reload-mercy touch-mules-reload signal-bufsize signals-bufsize signal-timer timer signal-rbtimer
    rbtimer rpc-max legion legion-mcast legion-node legion-freq legion-tolerance legion-death-on-lord-error
    legion-skew-tolerance legion-lord legion-unlord legion-setup legion-death legion-join legion-node-joined
    legion-node-left legion-quorum legion-scroll legion-scroll-max-size legion-scroll-list-max-size alarm alarm-cheap
    alarm-freq alarm-fd alarm-segfault segfault-alarm alarm-backlog backlog-alarm lq-alarm alarm-lq alarm-listen-queue
    listen-queue-alarm log-alarm alarm-log not-log-alarm not-alarm-log alarm-msg-size websockets-ping-freq
    websocket-ping-freq websockets-pong-tolerance websocket-pong-tolerance websockets-max-size websocket-max-size
    websockets-continuation-buffer websocket-continuation-buffer symcall symcall-use-next symcall-register-rpc
    symcall-post-fork geoip-country geoip-city geoip-use-disk`,
  ],
  [
    'there is no such server here',
    `rawrouter rawrouter-processes rawrouter-workers rawrouter-zerg rawrouter-use-cache rawrouter-use-pattern
    rawrouter-use-base rawrouter-fallback rawrouter-use-code-string rawrouter-use-socket rawrouter-to rawrouter-gracetime
    rawrouter-events rawrouter-max-retries rawrouter-quiet rawrouter-cheap rawrouter-subscription-server
    rawrouter-subscription-slot rawrouter-timeout rawrouter-stats rawrouter-stats-server rawrouter-ss rawrouter-harakiri
    rawrouter-xclient rawrouter-buffer-size sslrouter sslrouter2 sslrouter-session-context sslrouter-processes
    sslrouter-workers sslrouter-zerg sslrouter-use-cache sslrouter-use-pattern sslrouter-use-base sslrouter-fallback
    sslrouter-use-code-string sslrouter-use-socket sslrouter-to sslrouter-gracetime sslrouter-events
    sslrouter-max-retries sslrouter-quiet sslrouter-cheap sslrouter-subscription-server sslrouter-timeout sslrouter-stats
    sslrouter-stats-server sslrouter-ss sslrouter-harakiri sslrouter-sni sslrouter-buffer-size forkptyrouter
    forkpty-router forkptyurouter forkpty-urouter forkptyrouter-command forkpty-router-command forkptyrouter-cmd
    forkpty-router-cmd forkptyrouter-rows forkptyrouter-cols forkptyrouter-processes forkptyrouter-workers
    forkptyrouter-zerg forkptyrouter-fallback forkptyrouter-events forkptyrouter-cheap forkptyrouter-timeout
    forkptyrouter-stats forkptyrouter-stats-server forkptyrouter-ss forkptyrouter-harakiri pty-socket pty-log pty-input
    pty-connect pty-uconnect pty-no-isig pty-exec dgram-router dgram-router-to webdav-mount webdav-css webdav-javascript
    webdav-js webdav-class-directory webdav-div webdav-lock-cache webdav-principal-base webdav-add-option webdav-add-prop
    webdav-add-collection-prop webdav-add-object-prop webdav-add-prop-href webdav-add-collection-prop-href
    webdav-add-object-prop-href webdav-add-prop-comp webdav-add-collection-prop-comp webdav-add-object-prop-comp
    webdav-add-rtype-prop webdav-add-rtype-collection-prop webdav-add-rtype-object-prop webdav-skip-prop`,
  ],
  [
    'this way of composing a file is not read: write the options out',
    `xml xmlconfig declare-option declare-option2 resolve blacklist end-blacklist whitelist end-whitelist inject-before
    inject-after if-plugin if-not-plugin ifplugin for-glob`,
  ],
  // A key of ours has this name and another meaning.
  ['there is no queue between processes here; `queue` of ours can be set in a .yaml file only', 'queue'],
];

const groups = { reading, harmless, elsewhere, missing } as const;

/** By the option's name. */
export const optionTable: OptionTable = new Map<string, OptionUse>([
  ...ourOptions.flatMap(([names, use]) => wordsOf(names).map((name) => [name, use] as const)),
  ...Object.entries(groups).flatMap(([use, list]) =>
    list.flatMap(([what, names]) =>
      wordsOf(names).map((name) => [name, { use: use as keyof typeof groups, what }] as const),
    ),
  ),
]);

function wordsOf(names: string): readonly string[] {
  return names.split(/\s+/);
}
