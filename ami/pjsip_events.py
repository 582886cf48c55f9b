"""The events of PJSIP: what its lists answer, and what happens to contacts.

The settings of endpoints and the like have the meanings, and almost the names, that they have in `pjsip.conf`.
"""

from ami.catalogue import Event
from ami.headers import Bool, Float, Int, Text, Timestamp

__all__ = [
    "AorDetail", "AorList", "AorListComplete", "AuthDetail", "AuthList", "AuthListComplete", "ContactList",
    "ContactListComplete", "ContactStatus", "ContactStatusDetail", "ContactStatusDetailComplete", "EndpointDetail",
    "EndpointDetailComplete", "EndpointList", "EndpointListComplete", "IdentifyDetail", "InboundRegistrationDetail",
    "InboundRegistrationDetailComplete", "InboundSubscriptionDetail", "InboundSubscriptionDetailComplete",
    "OutboundRegistrationDetail", "OutboundRegistrationDetailComplete", "OutboundSubscriptionDetail",
    "OutboundSubscriptionDetailComplete", "PJSIPMaintenanceStatus", "PJSIPMaintenanceStatusComplete",
    "ResourceListDetail", "ResourceListDetailComplete", "TransportDetail",
]  # fmt: skip

# What the lists have in common


class _Object(Event, abstract=True):
    """The base of events about an object of `pjsip.conf`: its kind, and the name of its section."""

    object_type = Text()
    object_name = Text()


# Endpoints


class EndpointList(_Object):
    """An item of the answer to `PJSIPShowEndpoints`: an endpoint; lists in it are separated by commas."""

    transport = Text()
    aor = Text()
    auths = Text()
    outbound_auths = Text()
    device_state = Text()
    active_channels = Int()
    contacts = Text()


class EndpointListComplete(Event):
    """The end of the answer to `PJSIPShowEndpoints`."""

    list_items = Int()


class EndpointDetail(_Object):
    """The first item of the answer to `PJSIPShowEndpoint`: the endpoint's settings, and its state.

    Some are of Asterisk 22 only; `disallow` is documented for 16, which does not send it.
    """

    rel100 = Text("100rel")
    accept_multiple_sdp_answers = Bool("true")
    accountcode = Text()
    acl = Text()
    active_channels = Int()
    aggregate_mwi = Bool("true")
    allow = Text()
    allow_overlap = Bool("true")
    allow_subscribe = Bool("true")
    allow_transfer = Bool("true")
    allow_unauthenticated_options = Bool("true")
    aors = Text()
    asymmetric_rtp_codec = Bool("true")
    auth = Text()
    bind_rtp_to_media_address = Bool("true")
    bundle = Bool("true")
    callerid = Text()
    callerid_privacy = Text()
    callerid_tag = Text()
    call_group = Text()
    codec_prefs_incoming_answer = Text()
    codec_prefs_incoming_offer = Text()
    codec_prefs_outgoing_answer = Text()
    codec_prefs_outgoing_offer = Text()
    connected_line_method = Text()
    contact_acl = Text()
    context = Text()
    cos_audio = Int()
    cos_video = Int()
    device_state = Text()
    device_state_busy_at = Int()
    direct_media = Bool("true")
    direct_media_glare_mitigation = Text()
    direct_media_method = Text()
    disable_direct_media_on_nat = Bool("true")
    disallow = Text()
    dtls_auto_generate_cert = Bool("Yes")
    dtls_ca_file = Text()
    dtls_ca_path = Text()
    dtls_cert_file = Text()
    dtls_cipher = Text()
    dtls_fingerprint = Text()
    dtls_private_key = Text()
    dtls_rekey = Int()
    dtls_setup = Text()
    dtls_verify = Text()
    dtmf_mode = Text()
    fax_detect = Bool("true")
    fax_detect_timeout = Int()
    follow_early_media_fork = Bool("true")
    follow_redirect_methods = Text()
    force_avp = Bool("true")
    force_rport = Bool("true")
    from_domain = Text()
    from_user = Text()
    g726_non_standard = Bool("true")
    geoloc_incoming_call_profile = Text()
    geoloc_outgoing_call_profile = Text()
    ice_support = Bool("true")
    identify_by = Text()
    ignore_183_without_sdp = Bool("true")
    inband_progress = Bool("true")
    incoming_call_offer_pref = Text()
    incoming_mwi_mailbox = Text()
    language = Text()
    mailboxes = Text()
    max_audio_streams = Int()
    max_video_streams = Int()
    media_address = Text()
    media_encryption = Text()
    media_encryption_optimistic = Bool("true")
    media_use_received_transport = Bool("true")
    message_context = Text()
    moh_passthrough = Bool("true")
    moh_suggest = Text()
    mwi_from_user = Text()
    mwi_subscribe_replaces_unsolicited = Text()
    named_call_group = Text()
    named_pickup_group = Text()
    notify_early_inuse_ringing = Bool("true")
    one_touch_recording = Bool("true")
    outbound_auth = Text()
    outbound_proxy = Text()
    outgoing_call_offer_pref = Text()
    overlap_context = Text()
    pickup_group = Text()
    preferred_codec_only = Bool("true")
    record_off_feature = Text()
    record_on_feature = Text()
    redirect_method = Text()
    refer_blind_progress = Bool("true")
    rewrite_contact = Bool("true")
    rpid_immediate = Bool("true")
    rtcp_mux = Bool("true")
    rtp_engine = Text()
    rtp_ipv6 = Bool("true")
    rtp_keepalive = Int()
    rtp_port_end = Int()
    rtp_port_start = Int()
    rtp_symmetric = Bool("true")
    rtp_timeout = Int()
    rtp_timeout_hold = Int()
    sdp_owner = Text()
    sdp_session = Text()
    security_negotiation = Text()
    send_aoc = Bool("true")
    send_connected_line = Bool("yes")
    send_diversion = Bool("true")
    send_history_info = Bool("true")
    send_pai = Bool("true")
    send_rpid = Bool("true")
    set_var = Text()
    srtp_tag_32 = Bool("true")
    stir_shaken = Text()
    stir_shaken_profile = Text()
    sub_min_expiry = Int()
    subscribe_context = Text()
    suppress_moh_on_sendonly = Bool("true")
    suppress_q850_reason_headers = Bool("true")
    t38_bind_udptl_to_media_address = Bool("true")
    t38_udptl = Bool("true")
    t38_udptl_ec = Text()
    t38_udptl_ipv6 = Bool("true")
    t38_udptl_maxdatagram = Int()
    t38_udptl_nat = Bool("true")
    tenantid = Text()
    timers = Text()
    timers_min_se = Int()
    timers_sess_expires = Int()
    tone_zone = Text()
    tos_audio = Int()
    tos_video = Int()
    transport = Text()
    trust_connected_line = Bool("yes")
    trust_id_inbound = Bool("true")
    trust_id_outbound = Bool("true")
    use_avpf = Bool("true")
    use_ptime = Bool("true")
    user_eq_phone = Bool("true")
    voicemail_extension = Text()
    webrtc = Bool("yes")


class TransportDetail(_Object):
    """An item of the answer to `PJSIPShowEndpoint`: the transport that the endpoint names."""

    protocol = Text()
    bind = Text()
    ca_list_file = Text()
    ca_list_path = Text()
    cert_file = Text()
    priv_key_file = Text()
    password = Text()
    external_signaling_address = Text()
    external_signaling_port = Int()
    external_media_address = Text()
    domain = Text()
    verify_server = Bool("Yes")
    verify_client = Bool("Yes")
    require_client_cert = Bool("Yes")
    method = Text()
    cipher = Text()
    local_net = Text()
    tos = Int()
    cos = Int()
    websocket_write_timeout = Int()
    endpoint_name = Text()
    symmetric_transport = Bool("true")
    allow_wildcard_certs = Bool("Yes")
    async_operations = Int()
    allow_reload = Bool("true")
    tcp_keepalive_enable = Bool("true")
    tcp_keepalive_idle_time = Int()
    tcp_keepalive_interval_time = Int()
    tcp_keepalive_probe_count = Int()


class IdentifyDetail(_Object):
    """An item of the answer to `PJSIPShowEndpoint`: by what its requests are known."""

    endpoint = Text()
    srv_lookups = Bool("true")
    match = Text()
    match_header = Text()
    endpoint_name = Text()
    match_request_uri = Text()


class EndpointDetailComplete(Event):
    """The end of the answer to `PJSIPShowEndpoint`."""

    list_items = Int()


# Addresses of record


class _Aor(_Object, abstract=True):
    """The base of events about an address of record (AOR); times are in seconds."""

    minimum_expiration = Int()
    maximum_expiration = Int()
    default_expiration = Int()
    qualify_frequency = Int()
    authenticate_qualify = Bool("true")
    max_contacts = Int()
    remove_existing = Bool("true")
    remove_unavailable = Bool("true")
    mailboxes = Text()
    outbound_proxy = Text()
    support_path = Bool("true")
    qualify_timeout = Float()
    voicemail_extension = Text()
    contacts = Text()
    qualify_2xx_only = Bool("true")


class AorList(_Aor):
    """An item of the answer to `PJSIPShowAors`."""


class AorListComplete(Event):
    """The end of the answer to `PJSIPShowAors`."""

    list_items = Int()


class AorDetail(_Aor):
    """An item of the answer to `PJSIPShowEndpoint`: an address of record of the endpoint."""

    total_contacts = Int()
    contacts_registered = Int()
    endpoint_name = Text()


class InboundRegistrationDetail(_Aor):
    """An item of the answer to `PJSIPShowRegistrationsInbound`: an address of record that takes registrations."""

    contact = Text()


class InboundRegistrationDetailComplete(Event):
    """The end of the answer to `PJSIPShowRegistrationsInbound`."""

    list_items = Int()


# Authentication


class _Auth(_Object, abstract=True):
    """The base of events about an authentication; they show its secrets."""

    username = Text()
    md5_cred = Text()
    realm = Text()
    auth_type = Text()
    password = Text()
    nonce_lifetime = Int()
    oauth_clientid = Text()
    oauth_secret = Text()
    password_digest = Text()
    refresh_token = Text()
    supported_algorithms_uac = Text()
    supported_algorithms_uas = Text()


class AuthList(_Auth):
    """An item of the answer to `PJSIPShowAuths`."""


class AuthListComplete(Event):
    """The end of the answer to `PJSIPShowAuths`."""

    list_items = Int()


class AuthDetail(_Auth):
    """An item of the answers to `PJSIPShowEndpoint` and `PJSIPShowRegistrationsOutbound`: an authentication."""

    endpoint_name = Text()


# Contacts


class ContactStatus(Event):
    """A contact was registered, removed, or became reachable or not."""

    uri = Text("URI")
    contact_status = Text()
    aor = Text("AOR")
    endpoint_name = Text()
    roundtrip_usec = Int()


class ContactList(_Object):
    """An item of the answer to `PJSIPShowContacts`."""

    via_addr = Text()
    via_port = Int()
    qualify_timeout = Float()
    call_id = Text()
    reg_server = Text()
    prune_on_boot = Bool("yes")
    path = Text()
    endpoint = Text()
    authenticate_qualify = Bool("yes")
    uri = Text()
    qualify_frequency = Int()
    user_agent = Text()
    expiration_time = Timestamp()
    outbound_proxy = Text()
    status = Text()
    roundtrip_usec = Int()
    qualify_2xx_only = Bool("true")


class ContactListComplete(Event):
    """The end of the answer to `PJSIPShowContacts`."""

    list_items = Int()


class ContactStatusDetail(Event):
    """An item of the answers to `PJSIPShowEndpoint` and `PJSIPShowRegistrationInboundContactStatuses`: a contact."""

    aor = Text("AOR")
    uri = Text("URI")
    status = Text()
    roundtrip_usec = Int()
    endpoint_name = Text()
    user_agent = Text()
    reg_expire = Timestamp()
    via_address = Text()
    call_id = Text("CallID")
    id = Text("ID")
    authenticate_qualify = Bool("1")
    outbound_proxy = Text()
    path = Text()
    qualify_frequency = Int()
    qualify_timeout = Float()
    qualify_2xx_only = Bool("1")


class ContactStatusDetailComplete(Event):
    """The end of the answer to `PJSIPShowRegistrationInboundContactStatuses`."""

    list_items = Int()


# Outbound registrations


class OutboundRegistrationDetail(_Object):
    """An item of the answer to `PJSIPShowRegistrationsOutbound`: a registration with another server.

    Times are in seconds; `next_reg` is how long it is until the next attempt.
    """

    max_retries = Int()
    client_uri = Text()
    security_negotiation = Text()
    auth_rejection_permanent = Bool("true")
    server_uri = Text()
    max_random_initial_delay = Int()
    support_path = Bool("true")
    retry_interval = Int()
    contact_header_params = Text()
    expiration = Int()
    transport = Text()
    contact_user = Text()
    endpoint = Text()
    user_agent = Text()
    forbidden_retry_interval = Int()
    outbound_auth = Text()
    outbound_proxy = Text()
    fatal_retry_interval = Int()
    support_outbound = Text()
    status = Text()
    next_reg = Int()
    line_support = Bool("true", "Line")


class OutboundRegistrationDetailComplete(Event):
    """The end of the answer to `PJSIPShowRegistrationsOutbound`."""

    list_items = Int()
    registered = Int()
    not_registered = Int()


# Subscriptions


class ResourceListDetail(_Object):
    """An item of the answer to `PJSIPShowResourceLists`: a list to subscribe to."""

    full_state = Bool("true")
    list_item = Text()
    notification_batch_interval = Int()
    resource_display_name = Bool("true")


class ResourceListDetailComplete(Event):
    """The end of the answer to `PJSIPShowResourceLists`."""

    list_items = Int()


class _Subscription(Event, abstract=True):
    """The base of events about a subscription; `role` is `Subscriber` or `Notifier`."""

    role = Text()
    endpoint = Text()
    callid = Text()
    state = Text()
    callerid = Text()
    subscription_type = Text()
    extension = Text()
    extension_states = Text()
    mailboxes = Text()


class InboundSubscriptionDetail(_Subscription):
    """An item of the answer to `PJSIPShowSubscriptionsInbound`."""


class InboundSubscriptionDetailComplete(Event):
    """The end of the answer to `PJSIPShowSubscriptionsInbound`."""

    list_items = Int()


class OutboundSubscriptionDetail(_Subscription):
    """An item of the answer to `PJSIPShowSubscriptionsOutbound`."""


class OutboundSubscriptionDetailComplete(Event):
    """The end of the answer to `PJSIPShowSubscriptionsOutbound`."""

    list_items = Int()


# Maintenance


class PJSIPMaintenanceStatus(Event):
    """Maintenance of an endpoint began or ended; or, as an item of the answer to `PJSIPShowMaintenance`, it is on.

    Asterisk 22 has it, 16 has not.
    """

    endpoint = Text()
    status = Text()


class PJSIPMaintenanceStatusComplete(Event):
    """The end of the answer to `PJSIPShowMaintenance`."""

    list_items = Int()
