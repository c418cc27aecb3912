// swift-tools-version: 6.3

import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let coreMetrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let services = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let tls = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let httpClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let hummingbird: [Target.Dependency] = [
    .product(name: "Hummingbird", package: "hummingbird"),
    .product(name: "HummingbirdCore", package: "hummingbird"),
]
let httpTestKit: [Target.Dependency] = [
    .product(name: "HummingbirdTesting", package: "hummingbird"),
    .product(name: "InMemoryLogging", package: "swift-log"),
    .product(name: "MetricsTestKit", package: "swift-metrics"),
    .product(name: "NIOEmbedded", package: "swift-nio"),
]

let package = Package(
    name: "lanyard",
    products: [
        .executable(name: "lanyard", targets: ["lanyard"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", exact: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", exact: "1.21.1"),
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", exact: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2", traits: []),
    ],
    targets: [
        // Values, without input or output.
        .target(name: "JSON", swiftSettings: settings),
        .target(name: "KubernetesModel", dependencies: ["JSON"], swiftSettings: settings),

        // One API server, and how to keep up with it.
        .target(
            name: "KubernetesClient",
            dependencies: [
                "JSON", "KubernetesModel", httpClient, logging, nio, tls,
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        .target(
            name: "KubernetesRuntime",
            dependencies: [
                "JSON", "KubernetesModel", "KubernetesClient", crypto, logging, metrics, coreMetrics, services,
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
            ],
            swiftSettings: settings),

        // The decisions. Pure.
        .target(name: "WorkloadIdentity", dependencies: ["JSON", crypto], swiftSettings: settings),
        .target(
            name: "PodInjection", dependencies: ["JSON", "KubernetesModel", "WorkloadIdentity"], swiftSettings: settings
        ),

        // What calls us, and what watches us.
        .target(
            name: "AdmissionWebhook",
            dependencies: hummingbird + [
                "JSON", coreMetrics, crypto, logging, nio, services, tls,
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "NIOCertificateReloading", package: "swift-nio-extras"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
            ],
            swiftSettings: settings),
        .target(
            name: "Observability",
            dependencies: hummingbird + ["JSON", coreMetrics, logging, nio, services],
            swiftSettings: settings),

        // Reads the store, asks the domain, applies.
        .target(
            name: "Operator",
            dependencies: [
                "JSON", "KubernetesModel", "KubernetesClient", "KubernetesRuntime", "WorkloadIdentity", "PodInjection",
                "AdmissionWebhook", coreMetrics, logging, metrics, services,
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "lanyard",
            dependencies: [
                "JSON", "KubernetesModel", "KubernetesClient", "KubernetesRuntime", "WorkloadIdentity", "PodInjection",
                "AdmissionWebhook", "Observability", "Operator", coreMetrics, httpClient, logging, nio, services, tls,
                .product(name: "NIOCertificateReloading", package: "swift-nio-extras"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"), "CYAML",
            ],
            swiftSettings: settings,
            linkerSettings: [
                .unsafeFlags(
                    [
                        "-use-ld=lld", "-Xlinker", "--icf=safe",
                        // Nothing is loaded into the process that would look for its symbols by name: a tenth of the binary.
                        "-Xlinker", "--no-export-dynamic",
                        // Nothing here unwinds: an index of the frames for that would be 1.3 MB.
                        "-Xlinker", "--no-eh-frame-hdr",
                        // The addresses to be adjusted at the start, packed: 2.5 MB less. Of glibc 2.36.
                        "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs",
                    ], .when(configuration: .release))
            ]),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),

        // One for each library, and one for the whole on a real API server.
        .testTarget(name: "JSONTests", dependencies: ["JSON", "GeneratedPods"], swiftSettings: settings),
        .testTarget(name: "KubernetesModelTests", dependencies: ["JSON", "KubernetesModel"], swiftSettings: settings),
        .testTarget(
            name: "KubernetesClientTests",
            dependencies: [
                "JSON", "KubernetesModel", "KubernetesClient", crypto, logging, nio, tls,
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "KubernetesRuntimeTests",
            dependencies: [
                "JSON", "KubernetesModel", "KubernetesClient", "KubernetesRuntime", coreMetrics, logging, nio, services,
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "WorkloadIdentityTests", dependencies: ["JSON", "WorkloadIdentity"], swiftSettings: settings),
        .testTarget(
            name: "PodInjectionTests",
            dependencies: [
                "JSON", "WorkloadIdentity", "PodInjection", "GeneratedPods", "lanyard",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "AdmissionWebhookTests",
            dependencies: httpTestKit + [
                "JSON", "AdmissionWebhook", crypto, .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "X509", package: "swift-certificates"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "OperatorTests",
            dependencies: [
                "JSON", "KubernetesModel", "KubernetesClient", "KubernetesRuntime", "WorkloadIdentity", "PodInjection",
                "AdmissionWebhook", "Operator", "GeneratedPods", "lanyard", coreMetrics, httpClient, logging, nio,
                services,
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "InMemoryLogging", package: "swift-log"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "JSON", "KubernetesModel", "KubernetesClient", "AdmissionWebhook", "GeneratedPods", "Operator",
                "lanyard", coreMetrics, httpClient, logging, nio, services,
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        // Pods that are made up, for those that try many.
        .target(name: "GeneratedPods", dependencies: ["JSON"], path: "Tests/GeneratedPods", swiftSettings: settings),
        .testTarget(
            name: "ObservabilityTests", dependencies: httpTestKit + ["JSON", "Observability"], swiftSettings: settings),

        // What hack/check-policy compares the API server's own policy with.
        .executableTarget(
            name: "PolicySamples",
            dependencies: ["JSON", "KubernetesModel", "WorkloadIdentity", "PodInjection", "GeneratedPods"],
            path: "Tests/AdmissionPolicy/samples", swiftSettings: settings),

        // What hack/bench runs beside `lanyard`.
        .executableTarget(
            name: "Benchmark",
            dependencies: [
                "JSON", "KubernetesModel", "KubernetesClient", "KubernetesRuntime", "WorkloadIdentity", "PodInjection",
                "AdmissionWebhook", "Operator", logging, nio, tls, .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            path: "Tests/Benchmark", exclude: ["load.lua", "allocations.c", "nginx.conf"], swiftSettings: settings),
    ]
)
