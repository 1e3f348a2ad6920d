(import "env" "memory" (memory 1 65536 shared))
(func $run (export "run") (param $params i32) (param $begin i32) (param $end i32)
  (local i32) $unit  $from  $floordiv  $s0  $a  $b  $r  $q  $to  $a.12  $b.13  $r.14  $q.15  $a.16  $b.17  $r.18
      $sixteens  $mul  $s1  $fours  $mul.28  $c  $add  $arg0  $add.32  $c.33  $add.34  $add.35  $c.37  $add.39  $add.40
      $sixteens.48  $fours.49  $c.50  $add.53  $add.54  $add.79  $arg1  $c.111  $add.113  $add.114  $add.126  $c.127
      $add.129  $add.130  $sub.147  $shr  $add.149  $vectors  $c.153  $add.154  $mul.155  $mul.156  $add.157  $c.159
      $add.160  $mul.161  $mul.162  $add.163
  (local f32) $m_tail  $t0v  $m.42  $s_tail  $mul.128  $t0v.131  $sub  $select  $select.134  $c.135  $muladd  $sub.137
      $c.138  $c.139  $muladd.140  $c.141  $c.142  $c.143  $c.144  $c.145  $c.146  $s.151  $div
  (local v128) $m_0  $m_1  $m_2  $m_3  $t0v_v  $m  $s_0  $s_1  $s_2  $s_3  $value  $const_v  $t0v_v.55  $ref_v  $sub_v
      $const_v.58  $select_v  $const_v.60  $select_v.61  $const_v.62  $const_v.63  $muladd_v  $sub_v.65  $const_v.66
      $const_v.67  $muladd_v.68  $const_v.69  $const_v.70  $const_v.71  $const_v.72  $const_v.73  $const_v.74
      $const_v.75  $sub_v.76  $shr_v  $const_v.78  $value.81  $t0v_v.82  $sub_v.83  $select_v.84  $select_v.85
      $muladd_v.86  $sub_v.87  $muladd_v.88  $sub_v.89  $shr_v.90  $value.91  $t0v_v.92  $sub_v.93  $select_v.94
      $select_v.95  $muladd_v.96  $sub_v.97  $muladd_v.98  $sub_v.99  $shr_v.100  $value.101  $t0v_v.102  $sub_v.103
      $select_v.104  $select_v.105  $muladd_v.106  $sub_v.107  $muladd_v.108  $sub_v.109  $shr_v.110  $value.112
      $t0v_v.115  $ref_v.116  $sub_v.117  $select_v.118  $select_v.119  $muladd_v.120  $sub_v.121  $muladd_v.122
      $sub_v.123  $shr_v.124  $mul_v  $s  $ref_v.158
  local.get $params  i32.load offset=8  local.set $s0
  local.get $params  i32.load offset=12  local.set $s1
  local.get $params  i32.load  local.set $arg0
  local.get $params  i32.load offset=4  local.set $arg1
  local.get $begin  local.get $end  i32.lt_s  if $if1
    local.get $s0  i32.const 1  i32.add  i32.const 1  i32.shr_s  local.set $floordiv
    local.get $s1  i32.const 4  i32.shr_s  i32.const 4  i32.shl  local.set $mul
    local.get $s1  i32.const 2  i32.shr_s  i32.const 2  i32.shl  local.set $mul.28
    v128.const i32x4 0x39506967 0x39506967 0x39506967 0x39506967  local.set $const_v
    v128.const i32x4 0xc2d00000 0xc2d00000 0xc2d00000 0xc2d00000  local.set $const_v.58
    v128.const i32x4 0x42b20000 0x42b20000 0x42b20000 0x42b20000  local.set $const_v.60
    v128.const i32x4 0x3fb8aa3b 0x3fb8aa3b 0x3fb8aa3b 0x3fb8aa3b  local.set $const_v.62
    v128.const i32x4 0x4b400000 0x4b400000 0x4b400000 0x4b400000  local.set $const_v.63
    v128.const i32x4 0x395e8083 0x395e8083 0x395e8083 0x395e8083  local.set $const_v.66
    v128.const i32x4 0xbf318000 0xbf318000 0xbf318000 0xbf318000  local.set $const_v.67
    v128.const i32x4 0x3ab743ce 0x3ab743ce 0x3ab743ce 0x3ab743ce  local.set $const_v.69
    v128.const i32x4 0x3c088908 0x3c088908 0x3c088908 0x3c088908  local.set $const_v.70
    v128.const i32x4 0x3d2aa9c1 0x3d2aa9c1 0x3d2aa9c1 0x3d2aa9c1  local.set $const_v.71
    v128.const i32x4 0x3e2aaaaa 0x3e2aaaaa 0x3e2aaaaa 0x3e2aaaaa  local.set $const_v.72
    v128.const i32x4 0x3f000000 0x3f000000 0x3f000000 0x3f000000  local.set $const_v.73
    v128.const i32x4 0x3f800000 0x3f800000 0x3f800000 0x3f800000  local.set $const_v.74
    v128.const i32x4 0x4b400000 0x4b400000 0x4b400000 0x4b400000  local.set $const_v.75
    v128.const i32x4 0x0000007f 0x0000007f 0x0000007f 0x0000007f  local.set $const_v.78
    local.get $begin  local.set $unit
    loop $loop2
      local.get $unit  local.get $floordiv  local.set $b  local.set $a
      local.get $b  i32.eqz  if $if3 (result i32)
        i32.const 0
      else
        local.get $b  i32.const -1  i32.eq  if $if4 (result i32)
          i32.const 0
        else
          local.get $a  local.get $b  i32.rem_s  local.set $q
          local.get $q  local.set $r
          local.get $q  local.get $b  i32.add  local.get $q  local.get $r  i32.const 0  i32.ne  local.get $r
              local.get $b  i32.xor  i32.const 0  i32.lt_s  i32.and  select
        end
      end  i32.const 1  i32.shl  local.set $from
      local.get $s0  local.get $unit  local.get $floordiv  local.set $b.13  local.set $a.12  local.get $b.13  i32.eqz
          if $if5 (result i32)
        i32.const 0
      else
        local.get $b.13  i32.const -1  i32.eq  if $if6 (result i32)
          i32.const 0
        else
          local.get $a.12  local.get $b.13  i32.rem_s  local.set $q.15
          local.get $q.15  local.set $r.14
          local.get $q.15  local.get $b.13  i32.add  local.get $q.15  local.get $r.14  i32.const 0  i32.ne
              local.get $r.14  local.get $b.13  i32.xor  i32.const 0  i32.lt_s  i32.and  select
        end
      end  i32.const 1  i32.shl  i32.const 2  i32.add  local.set $b.17  local.tee $a.16  local.get $b.17
          local.get $a.16  local.get $b.17  i32.lt_s  select  local.set $to
      local.get $from  local.get $to  i32.lt_s  if $if7
        local.get $from  local.set $r.18
        loop $loop8
          f32.const -Infinity  local.set $m_tail
          v128.const i32x4 0xff800000 0xff800000 0xff800000 0xff800000  local.set $m_0
          v128.const i32x4 0xff800000 0xff800000 0xff800000 0xff800000  local.set $m_1
          v128.const i32x4 0xff800000 0xff800000 0xff800000 0xff800000  local.set $m_2
          v128.const i32x4 0xff800000 0xff800000 0xff800000 0xff800000  local.set $m_3
          local.get $mul  local.set $sixteens
          local.get $mul.28  local.set $fours
          i32.const 0  local.get $sixteens  i32.lt_s  if $if9
            local.get $arg0  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add
            i32.const 0  local.set $c
            loop $loop10
              local.get $m_0  local.get $add  local.get $c  i32.const 2  i32.shl  i32.add  local.tee $add.32
                  v128.load align=4  f32x4.max  local.set $m_0
              local.get $m_1  local.get $add.32  v128.load offset=16 align=4  f32x4.max  local.set $m_1
              local.get $m_2  local.get $add.32  v128.load offset=32 align=4  f32x4.max  local.set $m_2
              local.get $m_3  local.get $add.32  v128.load offset=48 align=4  f32x4.max  local.set $m_3
              local.get $c  i32.const 16  i32.add  local.tee $c  local.get $sixteens  i32.lt_s  br_if $loop10
            end
          end
          local.get $sixteens  local.get $fours  i32.lt_s  if $if11
            local.get $arg0  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.34
            local.get $sixteens  local.set $c.33
            loop $loop12
              local.get $m_0  local.get $add.34  local.get $c.33  i32.const 2  i32.shl  i32.add  local.tee $add.35
                  v128.load align=4  local.tee $t0v_v  f32x4.max  local.set $m_0
              local.get $c.33  i32.const 4  i32.add  local.tee $c.33  local.get $fours  i32.lt_s  br_if $loop12
            end
          end
          local.get $fours  local.get $s1  i32.lt_s  if $if13
            local.get $arg0  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.39
            local.get $fours  local.set $c.37
            loop $loop14
              local.get $add.39  local.get $c.37  i32.const 2  i32.shl  i32.add  local.tee $add.40  f32.load
                  local.set $t0v
              local.get $m_tail  local.get $t0v  f32.max  local.set $m_tail
              local.get $c.37  i32.const 1  i32.add  local.tee $c.37  local.get $s1  i32.lt_s  br_if $loop14
            end
          end
          local.get $m_0  local.get $m_1  f32x4.max  local.get $m_2  local.get $m_3  f32x4.max  f32x4.max  local.set $m
          local.get $m  f32x4.extract_lane 0  local.get $m  f32x4.extract_lane 1  f32.max  local.get $m
              f32x4.extract_lane 2  local.get $m  f32x4.extract_lane 3  f32.max  f32.max  local.get $m_tail  f32.max
              local.set $m.42
          f32.const 0  local.set $s_tail
          v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_0
          v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_1
          v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_2
          v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_3
          local.get $mul  local.set $sixteens.48
          local.get $mul.28  local.set $fours.49
          i32.const 0  local.get $sixteens.48  i32.lt_s  if $if15
            local.get $arg0  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.53
            local.get $m.42  f32x4.splat  local.set $ref_v
            local.get $arg1  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.79
            i32.const 0  local.set $c.50
            loop $loop16
              local.get $const_v  local.get $add.53  local.get $c.50  i32.const 2  i32.shl  i32.add  local.tee $add.54
                  v128.load align=4  local.tee $t0v_v.55  local.get $ref_v  f32x4.sub  local.tee $sub_v
                  local.get $const_v.58  f32x4.pmax  local.tee $select_v  local.get $const_v.60  f32x4.pmin
                  local.tee $select_v.61  local.get $const_v.62  f32x4.mul  local.get $const_v.63  f32x4.add
                  local.tee $muladd_v  local.get $const_v.63  f32x4.sub  local.tee $sub_v.65  local.get $const_v.66
                  f32x4.mul  local.get $sub_v.65  local.get $const_v.67  f32x4.mul  local.get $select_v.61  f32x4.add
                  f32x4.add  local.tee $muladd_v.68  f32x4.mul  local.get $const_v.69  f32x4.add  local.get $muladd_v.68
                  f32x4.mul  local.get $const_v.70  f32x4.add  local.get $muladd_v.68  f32x4.mul  local.get $const_v.71
                  f32x4.add  local.get $muladd_v.68  f32x4.mul  local.get $const_v.72  f32x4.add  local.get $muladd_v.68
                  f32x4.mul  local.get $const_v.73  f32x4.add  local.get $muladd_v.68  local.get $muladd_v.68  f32x4.mul
                  f32x4.mul  local.get $muladd_v.68  f32x4.add  local.get $const_v.74  f32x4.add  local.get $muladd_v
                  local.get $const_v.75  i32x4.sub  local.tee $sub_v.76  i32.const 1  i32x4.shr_s  local.tee $shr_v
                  local.get $const_v.78  i32x4.add  i32.const 23  i32x4.shl  f32x4.mul  local.get $sub_v.76
                  local.get $shr_v  i32x4.sub  local.get $const_v.78  i32x4.add  i32.const 23  i32x4.shl  f32x4.mul
                  local.set $value
              local.get $add.79  local.get $c.50  i32.const 2  i32.shl  i32.add  local.get $value  v128.store align=4
              local.get $s_0  local.get $value  f32x4.add  local.set $s_0
              local.get $const_v  local.get $add.54  v128.load offset=16 align=4  local.tee $t0v_v.82  local.get $ref_v
                  f32x4.sub  local.tee $sub_v.83  local.get $const_v.58  f32x4.pmax  local.tee $select_v.84
                  local.get $const_v.60  f32x4.pmin  local.tee $select_v.85  local.get $const_v.62  f32x4.mul
                  local.get $const_v.63  f32x4.add  local.tee $muladd_v.86  local.get $const_v.63  f32x4.sub
                  local.tee $sub_v.87  local.get $const_v.66  f32x4.mul  local.get $sub_v.87  local.get $const_v.67
                  f32x4.mul  local.get $select_v.85  f32x4.add  f32x4.add  local.tee $muladd_v.88  f32x4.mul
                  local.get $const_v.69  f32x4.add  local.get $muladd_v.88  f32x4.mul  local.get $const_v.70  f32x4.add
                  local.get $muladd_v.88  f32x4.mul  local.get $const_v.71  f32x4.add  local.get $muladd_v.88  f32x4.mul
                  local.get $const_v.72  f32x4.add  local.get $muladd_v.88  f32x4.mul  local.get $const_v.73  f32x4.add
                  local.get $muladd_v.88  local.get $muladd_v.88  f32x4.mul  f32x4.mul  local.get $muladd_v.88
                  f32x4.add  local.get $const_v.74  f32x4.add  local.get $muladd_v.86  local.get $const_v.75  i32x4.sub
                  local.tee $sub_v.89  i32.const 1  i32x4.shr_s  local.tee $shr_v.90  local.get $const_v.78  i32x4.add
                  i32.const 23  i32x4.shl  f32x4.mul  local.get $sub_v.89  local.get $shr_v.90  i32x4.sub
                  local.get $const_v.78  i32x4.add  i32.const 23  i32x4.shl  f32x4.mul  local.set $value.81
              local.get $add.79  local.get $c.50  i32.const 2  i32.shl  i32.add  local.get $value.81
                  v128.store offset=16 align=4
              local.get $s_1  local.get $value.81  f32x4.add  local.set $s_1
              local.get $const_v  local.get $add.54  v128.load offset=32 align=4  local.tee $t0v_v.92  local.get $ref_v
                  f32x4.sub  local.tee $sub_v.93  local.get $const_v.58  f32x4.pmax  local.tee $select_v.94
                  local.get $const_v.60  f32x4.pmin  local.tee $select_v.95  local.get $const_v.62  f32x4.mul
                  local.get $const_v.63  f32x4.add  local.tee $muladd_v.96  local.get $const_v.63  f32x4.sub
                  local.tee $sub_v.97  local.get $const_v.66  f32x4.mul  local.get $sub_v.97  local.get $const_v.67
                  f32x4.mul  local.get $select_v.95  f32x4.add  f32x4.add  local.tee $muladd_v.98  f32x4.mul
                  local.get $const_v.69  f32x4.add  local.get $muladd_v.98  f32x4.mul  local.get $const_v.70  f32x4.add
                  local.get $muladd_v.98  f32x4.mul  local.get $const_v.71  f32x4.add  local.get $muladd_v.98  f32x4.mul
                  local.get $const_v.72  f32x4.add  local.get $muladd_v.98  f32x4.mul  local.get $const_v.73  f32x4.add
                  local.get $muladd_v.98  local.get $muladd_v.98  f32x4.mul  f32x4.mul  local.get $muladd_v.98
                  f32x4.add  local.get $const_v.74  f32x4.add  local.get $muladd_v.96  local.get $const_v.75  i32x4.sub
                  local.tee $sub_v.99  i32.const 1  i32x4.shr_s  local.tee $shr_v.100  local.get $const_v.78  i32x4.add
                  i32.const 23  i32x4.shl  f32x4.mul  local.get $sub_v.99  local.get $shr_v.100  i32x4.sub
                  local.get $const_v.78  i32x4.add  i32.const 23  i32x4.shl  f32x4.mul  local.set $value.91
              local.get $add.79  local.get $c.50  i32.const 2  i32.shl  i32.add  local.get $value.91
                  v128.store offset=32 align=4
              local.get $s_2  local.get $value.91  f32x4.add  local.set $s_2
              local.get $const_v  local.get $add.54  v128.load offset=48 align=4  local.tee $t0v_v.102  local.get $ref_v
                  f32x4.sub  local.tee $sub_v.103  local.get $const_v.58  f32x4.pmax  local.tee $select_v.104
                  local.get $const_v.60  f32x4.pmin  local.tee $select_v.105  local.get $const_v.62  f32x4.mul
                  local.get $const_v.63  f32x4.add  local.tee $muladd_v.106  local.get $const_v.63  f32x4.sub
                  local.tee $sub_v.107  local.get $const_v.66  f32x4.mul  local.get $sub_v.107  local.get $const_v.67
                  f32x4.mul  local.get $select_v.105  f32x4.add  f32x4.add  local.tee $muladd_v.108  f32x4.mul
                  local.get $const_v.69  f32x4.add  local.get $muladd_v.108  f32x4.mul  local.get $const_v.70  f32x4.add
                  local.get $muladd_v.108  f32x4.mul  local.get $const_v.71  f32x4.add  local.get $muladd_v.108
                  f32x4.mul  local.get $const_v.72  f32x4.add  local.get $muladd_v.108  f32x4.mul  local.get $const_v.73
                  f32x4.add  local.get $muladd_v.108  local.get $muladd_v.108  f32x4.mul  f32x4.mul
                  local.get $muladd_v.108  f32x4.add  local.get $const_v.74  f32x4.add  local.get $muladd_v.106
                  local.get $const_v.75  i32x4.sub  local.tee $sub_v.109  i32.const 1  i32x4.shr_s  local.tee $shr_v.110
                  local.get $const_v.78  i32x4.add  i32.const 23  i32x4.shl  f32x4.mul  local.get $sub_v.109
                  local.get $shr_v.110  i32x4.sub  local.get $const_v.78  i32x4.add  i32.const 23  i32x4.shl  f32x4.mul
                  local.set $value.101
              local.get $add.79  local.get $c.50  i32.const 2  i32.shl  i32.add  local.get $value.101
                  v128.store offset=48 align=4
              local.get $s_3  local.get $value.101  f32x4.add  local.set $s_3
              local.get $c.50  i32.const 16  i32.add  local.tee $c.50  local.get $sixteens.48  i32.lt_s  br_if $loop16
            end
          end
          local.get $sixteens.48  local.get $fours.49  i32.lt_s  if $if17
            local.get $arg0  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.113
            local.get $m.42  f32x4.splat  local.set $ref_v.116
            local.get $arg1  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.126
            local.get $sixteens.48  local.set $c.111
            loop $loop18
              local.get $const_v  local.get $add.113  local.get $c.111  i32.const 2  i32.shl  i32.add
                  local.tee $add.114  v128.load align=4  local.tee $t0v_v.115  local.get $ref_v.116  f32x4.sub
                  local.tee $sub_v.117  local.get $const_v.58  f32x4.pmax  local.tee $select_v.118
                  local.get $const_v.60  f32x4.pmin  local.tee $select_v.119  local.get $const_v.62  f32x4.mul
                  local.get $const_v.63  f32x4.add  local.tee $muladd_v.120  local.get $const_v.63  f32x4.sub
                  local.tee $sub_v.121  local.get $const_v.66  f32x4.mul  local.get $sub_v.121  local.get $const_v.67
                  f32x4.mul  local.get $select_v.119  f32x4.add  f32x4.add  local.tee $muladd_v.122  f32x4.mul
                  local.get $const_v.69  f32x4.add  local.get $muladd_v.122  f32x4.mul  local.get $const_v.70  f32x4.add
                  local.get $muladd_v.122  f32x4.mul  local.get $const_v.71  f32x4.add  local.get $muladd_v.122
                  f32x4.mul  local.get $const_v.72  f32x4.add  local.get $muladd_v.122  f32x4.mul  local.get $const_v.73
                  f32x4.add  local.get $muladd_v.122  local.get $muladd_v.122  f32x4.mul  f32x4.mul
                  local.get $muladd_v.122  f32x4.add  local.get $const_v.74  f32x4.add  local.get $muladd_v.120
                  local.get $const_v.75  i32x4.sub  local.tee $sub_v.123  i32.const 1  i32x4.shr_s  local.tee $shr_v.124
                  local.get $const_v.78  i32x4.add  i32.const 23  i32x4.shl  f32x4.mul  local.get $sub_v.123
                  local.get $shr_v.124  i32x4.sub  local.get $const_v.78  i32x4.add  i32.const 23  i32x4.shl  f32x4.mul
                  local.tee $mul_v  local.set $value.112
              local.get $add.126  local.get $c.111  i32.const 2  i32.shl  i32.add  local.get $value.112
                  v128.store align=4
              local.get $s_0  local.get $value.112  f32x4.add  local.set $s_0
              local.get $c.111  i32.const 4  i32.add  local.tee $c.111  local.get $fours.49  i32.lt_s  br_if $loop18
            end
          end
          local.get $fours.49  local.get $s1  i32.lt_s  if $if19
            local.get $arg0  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.129
            local.get $arg1  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.149
            local.get $fours.49  local.set $c.127
            loop $loop20
              f32.const 0.00019875691214110702  f32.const 89  f32.const -104  local.get $add.129  local.get $c.127
                  i32.const 2  i32.shl  i32.add  local.tee $add.130  f32.load  local.tee $t0v.131  local.get $m.42
                  f32.sub  local.tee $sub  f32.gt  if $if21 (result f32)
                f32.const -104
              else
                local.get $sub
              end  local.tee $select  f32.lt  if $if22 (result f32)
                f32.const 89
              else
                local.get $select
              end  local.tee $select.134  f32.const 1.4426950216293335  f32.const 12582912  local.set $c.135  f32.mul
                  local.get $c.135  f32.add  local.tee $muladd  f32.const 12582912  f32.sub  local.tee $sub.137
                  f32.const 0.00021219444170128554  local.get $sub.137  f32.const -0.693359375  local.get $select.134
                  local.set $c.138  f32.mul  local.get $c.138  f32.add  local.set $c.139  f32.mul  local.get $c.139
                  f32.add  local.tee $muladd.140  f32.const 0.001398199936375022  local.set $c.141  f32.mul
                  local.get $c.141  f32.add  local.get $muladd.140  f32.const 0.008333452045917511  local.set $c.142
                  f32.mul  local.get $c.142  f32.add  local.get $muladd.140  f32.const 0.04166579619050026
                  local.set $c.143  f32.mul  local.get $c.143  f32.add  local.get $muladd.140
                  f32.const 0.1666666567325592  local.set $c.144  f32.mul  local.get $c.144  f32.add
                  local.get $muladd.140  f32.const 0.5  local.set $c.145  f32.mul  local.get $c.145  f32.add
                  local.get $muladd.140  local.get $muladd.140  f32.mul  local.get $muladd.140  local.set $c.146
                  f32.mul  local.get $c.146  f32.add  f32.const 1  f32.add  local.get $muladd  i32.reinterpret_f32
                  i32.const 1262485504  i32.sub  local.tee $sub.147  i32.const 1  i32.shr_s  local.tee $shr
                  i32.const 127  i32.add  i32.const 23  i32.shl  f32.reinterpret_i32  f32.mul  local.get $sub.147
                  local.get $shr  i32.sub  i32.const 127  i32.add  i32.const 23  i32.shl  f32.reinterpret_i32  f32.mul
                  local.set $mul.128
              local.get $add.149  local.get $c.127  i32.const 2  i32.shl  i32.add  local.get $mul.128  f32.store
              local.get $s_tail  local.get $mul.128  f32.add  local.set $s_tail
              local.get $c.127  i32.const 1  i32.add  local.tee $c.127  local.get $s1  i32.lt_s  br_if $loop20
            end
          end
          local.get $s_0  local.get $s_1  f32x4.add  local.get $s_2  local.get $s_3  f32x4.add  f32x4.add  local.set $s
          local.get $s  f32x4.extract_lane 0  local.get $s  f32x4.extract_lane 1  f32.add  local.get $s
              f32x4.extract_lane 2  local.get $s  f32x4.extract_lane 3  f32.add  f32.add  local.get $s_tail  f32.add
              local.set $s.151
          local.get $mul.28  local.set $vectors
          i32.const 0  local.get $vectors  i32.lt_s  if $if23
            local.get $arg1  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  local.tee $mul.155  i32.add
                local.set $add.154
            local.get $s.151  f32x4.splat  local.set $ref_v.158
            i32.const 0  local.set $c.153
            loop $loop24
              local.get $add.154  local.get $c.153  i32.const 2  i32.shl  local.tee $mul.156  i32.add
                  local.tee $add.157  local.get $add.157  v128.load align=4  local.get $ref_v.158  f32x4.div
                  v128.store align=4
              local.get $c.153  i32.const 4  i32.add  local.tee $c.153  local.get $vectors  i32.lt_s  br_if $loop24
            end
          end
          local.get $vectors  local.get $s1  i32.lt_s  if $if25
            local.get $arg1  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  local.tee $mul.161  i32.add
                local.set $add.160
            local.get $vectors  local.set $c.159
            loop $loop26
              local.get $add.160  local.get $c.159  i32.const 2  i32.shl  local.tee $mul.162  i32.add
                  local.tee $add.163  local.get $add.163  f32.load  local.get $s.151  f32.div  local.tee $div  f32.store
              local.get $c.159  i32.const 1  i32.add  local.tee $c.159  local.get $s1  i32.lt_s  br_if $loop26
            end
          end
          local.get $r.18  i32.const 1  i32.add  local.tee $r.18  local.get $to  i32.lt_s  br_if $loop8
        end
      end
      local.get $unit  i32.const 1  i32.add  local.tee $unit  local.get $end  i32.lt_s  br_if $loop2
    end
  end
)
