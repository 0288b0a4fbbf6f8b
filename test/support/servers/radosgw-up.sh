#!/usr/bin/env bash
# Runs a throw-away single-node Ceph object gateway (S3) on loopback, data in memory, until it is killed.
# Usage: radosgw-up.sh DIR S3_PORT MON_PORT
#   DIR is made anew. The file DIR/ready appears once the gateway answers; access key "test", secret "test-secret".
# Environment, for a Ceph unpacked elsewhere than in /usr:
#   CEPH_LIBRARIES   the folder that has ceph/erasure-code and rados-classes in it
#   CEPH_PYTHON      the Python for the program `ceph`; default: what its first line says
#   DYING            words before a command that bind its life to this script's, such as "setpriv --pdeathsig KILL"
set -euo pipefail
dir=${1:?directory} s3_port=${2:?S3 port} mon_port=${3:?monitor port}
read -ra dying <<<"${DYING:-}" || true
rm -rf "$dir"; mkdir -p "$dir"/{mon,osd,rgw,run}; cd "$dir"
fsid=$(cat /proc/sys/kernel/random/uuid)
cat > ceph.conf <<CONF
[global]
fsid = $fsid
mon_host = [v2:127.0.0.1:$mon_port]
mon_initial_members = a
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
auth_allow_insecure_global_id_reclaim = false
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
mon_allow_pool_size_one = true
mon_warn_on_pool_no_redundancy = false
osd_crush_chooseleaf_type = 0
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_msgr1 = false
run_dir = $dir/run
admin_socket = $dir/run/\$name.asok
pid_file = $dir/run/\$name.pid
log_file = $dir/\$name.log
keyring = $dir/keyring
mon_data_avail_warn = 1
mon_data_avail_crit = 1
${CEPH_LIBRARIES:+plugin_dir = $CEPH_LIBRARIES/ceph
erasure_code_dir = $CEPH_LIBRARIES/ceph/erasure-code
osd_class_dir = $CEPH_LIBRARIES/rados-classes}
[mon]
paxos_propose_interval = 0.05
paxos_min_wait = 0.01
mon_tick_interval = 1
mon_data = $dir/mon
[osd]
osd_data = $dir/osd
osd_objectstore = memstore
memstore_device_bytes = 4294967296
osd_class_load_list = *
osd_class_default_list = *
[client.rgw]
rgw_frontends = beast endpoint=127.0.0.1:$s3_port tcp_nodelay=1
rgw_data = $dir/rgw
rgw_enable_usage_log = false
rgw_enable_gc_threads = false
rgw_enable_quota_threads = false
rgw_run_sync_thread = false
rgw_enable_apis = s3, notifications
# The URL of a webhook may hold a password only where the request seems to have come by HTTPS.
rgw_trust_forwarded_https = true
rgw_num_control_oids = 1
CONF
export CEPH_CONF=$dir/ceph.conf
daemons=()
quietly() { "$@" >>"$dir/setup.log" 2>&1; }
daemon() { # NAME COMMAND…: starts it; its output goes to NAME.out
  local name=$1; shift
  "${dying[@]}" "$@" -c ceph.conf -f >"$name.out" 2>&1 & daemons+=($!)
}
alive() {
  local pid
  for pid in "${daemons[@]}"; do
    kill -0 "$pid" 2>/dev/null || { echo "a Ceph daemon ended too early:"; tail -n 5 ./*.out setup.log; exit 1; }
  done
}
wait_for() { until "$@" >/dev/null 2>&1; do alive; sleep 0.05; done; }
ask() { # ARGUMENTS…: asks the monitor
  if [ -n "${CEPH_PYTHON:-}" ]; then timeout 10 "$CEPH_PYTHON" "$(command -v ceph)" "$@"; else timeout 10 ceph "$@"; fi
}
osd_is_up() { ask osd stat | grep -q '1 up'; }
gateway_listens() { (exec 3<>"/dev/tcp/127.0.0.1/$s3_port"); }
trap 'kill -KILL "${daemons[@]}" 2>/dev/null || true' EXIT
trap 'exit 0' TERM INT

touch keyring
quietly ceph-authtool --create-keyring keyring --gen-key -n mon. --cap mon 'allow *'
for name in client.admin client.rgw osd.0; do
  quietly ceph-authtool keyring --gen-key -n "$name" --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
done
quietly monmaptool --create --clobber --addv a "[v2:127.0.0.1:$mon_port]" --fsid "$fsid" monmap
quietly ceph-mon -i a -c ceph.conf --mkfs --monmap monmap --keyring keyring
daemon mon ceph-mon -i a --public-addrv "[v2:127.0.0.1:$mon_port]"
osd_uuid=$(cat /proc/sys/kernel/random/uuid)
wait_for ask osd new "$osd_uuid"
quietly ceph-osd -i 0 -c ceph.conf --mkfs --osd-uuid "$osd_uuid" --osd-data "$dir/osd"
daemon osd ceph-osd -i 0
wait_for osd_is_up
daemon rgw radosgw -n client.rgw
wait_for gateway_listens
quietly radosgw-admin -c ceph.conf -n client.rgw user create --uid=test --display-name=test --access-key=test --secret-key=test-secret
touch ready
wait -n
alive
